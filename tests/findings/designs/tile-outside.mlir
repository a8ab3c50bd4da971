// NPU106
// design.mlir:6: tile(4,2) is not on npu1, which has 4 columns of 6 rows
// There is no such tile.
module {
  aie.device(npu1) {
    %t = aie.tile(4, 2)
  }
}
