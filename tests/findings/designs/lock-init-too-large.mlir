// NPU204
// lock 5 of tile(0,2) (full, line 7) at the start: value 64 is outside 0..63
// The initial value does not fit the lock's 6 bits.
module {
  aie.device(npu1) {
    %core = aie.tile(0, 2)
    %lock = aie.lock(%core, 5) {init = 64 : i32, sym_name = "full"}
  }
}
