// aie::tile: the core that runs the kernel.

#pragma once

#include "core.hpp"
#include "rounding.hpp"

namespace aie {

struct tile_id {
    uint16_t row;
    uint16_t col;
};

class tile {
  public:
    __aie_inline static tile current() { return tile(); }

    // The row counts from the shim's, 0. In id() it counts from the first row of cores, 2 on
    // Phoenix; aie_api's own subtracts 3 and marks that as to be fixed.
    __aie_inline tile_id global_id() const {
        const uint32_t id = npu_core->core_id;
        return {static_cast<uint16_t>(id & 0x1f), static_cast<uint16_t>(id >> 16 & 0x7f)};
    }
    __aie_inline tile_id id() const {
        const tile_id global = global_id();
        return {static_cast<uint16_t>(global.row - first_core_row), global.col};
    }

    __aie_inline uint64_t cycles() const { return get_cycles(); }

    __aie_inline void set_rounding(rounding_mode mode) { aie::set_rounding(mode); }
    __aie_inline rounding_mode get_rounding() const { return aie::get_rounding(); }
    __aie_inline void set_saturation(saturation_mode mode) { aie::set_saturation(mode); }
    __aie_inline saturation_mode get_saturation() const { return aie::get_saturation(); }

  private:
    static constexpr uint16_t first_core_row = 2;
};

}  // namespace aie
