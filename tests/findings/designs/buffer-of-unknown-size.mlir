// NPU130
// design.mlir:9: memref.alloc of memref<?xi32> is not supported by the simulator yet
// The toolchain fails.
module {
  aie.device(npu1) {
    %core = aie.tile(0, 2)
    aie.core(%core) {
      %n = arith.constant 4 : index
      %m = memref.alloc(%n) : memref<?xi32>
      aie.end
    }
  }
}
