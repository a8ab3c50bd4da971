// NPU128
// design.mlir:14: the stream comes back to South:1 of tile(0,3)
// Words go round until the switches are full.
module {
  aie.device(npu1) {
    %core = aie.tile(0, 2)
    %north = aie.tile(0, 3)
    aie.switchbox(%core) {
      aie.connect<DMA : 0, North : 0>
      aie.connect<North : 1, North : 1>
    }
    aie.switchbox(%north) {
      aie.connect<South : 0, South : 1>
      aie.connect<South : 1, South : 1>
    }
  }
}
