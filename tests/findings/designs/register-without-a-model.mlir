// NPU221
// register Debug_Control0 of tile(0,2) is written (line 7), which is not modelled
// The core is put into debug mode.
module {
  aie.device(npu1) {
    aie.runtime_sequence() {
      aiex.npu.write32 {address = 0x32010 : ui32, column = 0 : i32, row = 2 : i32, value = 1 : ui32}
    }
  }
}
