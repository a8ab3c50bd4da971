// What templates of kernels ask of their types.

#pragma once

#include "accum.hpp"
#include "mask.hpp"
#include "vector.hpp"

namespace aie {

template <typename T>
concept ElemBaseType = detail::is_element<T>;

template <typename T>
concept Elem = ElemBaseType<T>;

template <typename T>
concept Vector = detail::is_vector<std::remove_cvref_t<T>>;

template <typename T>
concept Accum = detail::is_accum<std::remove_cvref_t<T>>;

template <typename T>
concept Mask = detail::is_mask<std::remove_cvref_t<T>>;

template <typename T>
concept ArithmeticType = Elem<T> || Vector<T> || Accum<T>;

}  // namespace aie
