// NPU106
// design.mlir:7: tile(0,1) has no core
// A memory tile has no core.
module {
  aie.device(npu1) {
    %mem = aie.tile(0, 1)
    aie.core(%mem) {
      %c = arith.constant 1 : index
      aie.end
    }
  }
}
