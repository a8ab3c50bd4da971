// NPU106
// design.mlir:11: the core of tile(1,4) does not reach buffer box of tile(0,2)
// The core has no address for that memory.
module {
  aie.device(npu1) {
    %core = aie.tile(0, 2)
    %far = aie.tile(1, 4)
    %box = aie.buffer(%core) {sym_name = "box"} : memref<16xi32>
    aie.core(%far) {
      %c = arith.constant 1 : index
      %v = memref.load %box[%c] : memref<16xi32>
      aie.end
    }
  }
}
