// NPU124
// design.mlir:11: the core of tile(0,2) has a program already, in line 7
// The toolchain fails.
module {
  aie.device(npu1) {
    %core = aie.tile(0, 2)
    aie.core(%core) {
      %c = arith.constant 1 : index
      aie.end
    }
    aie.core(%core) {
      %c = arith.constant 1 : index
      aie.end
    }
  }
}
