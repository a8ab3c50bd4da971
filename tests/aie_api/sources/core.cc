// What a core keeps between calls, and what calls out of a kernel.

#include <aie_api/aie_adf.hpp>

extern "C" {

void take_modes(int32* out) {
    out[0] = static_cast<int32>(aie::get_rounding());
    out[1] = static_cast<int32>(aie::get_saturation());
}
void set_modes() {
    aie::set_rounding(aie::rounding_mode::conv_even);
    aie::set_saturation(aie::saturation_mode::saturate);
}
void swap_modes(int32* out) {
    out[0] = static_cast<int32>(aie::swap_rounding(aie::rounding_mode::ceil));
    out[1] = static_cast<int32>(aie::swap_saturation(aie::saturation_mode::symmetric));
}
void mark() {
    event0();
    event1();
}
void lock(int32* out) {
    acquire_greater_equal(48, 2);
    acquire_equal(50, -1);
    release(49, 3);
    out[0] = get_coreid();
    out[1] = static_cast<int32>(get_cycles());
}
void pass_on() {
    bool last = false;
    const int first = get_ss(1, last);
    put_ms(2, first + get_ss(1), last);
    put_mcd(aie::add(get_scd_v16int32(), 1));
}
}
