// NPU120
// design.mlir:7: buffers and stack of tile(0,2) are too much: 66624 bytes, its memory has 65536
// The linker fails, or buffers and stack overlap.
module {
  aie.device(npu1) {
    %core = aie.tile(0, 2)
    %a = aie.buffer(%core) {sym_name = "table"} : memref<15000xi32>
    %b = aie.buffer(%core) {sym_name = "more"} : memref<1400xi32>
    aie.core(%core) {
      %c = arith.constant 1 : index
      aie.end
    }
  }
}
