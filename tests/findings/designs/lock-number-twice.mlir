// NPU124
// design.mlir:8: lock 3 of tile(0,2) is given out twice
// Two objects share one lock and wake each other.
module {
  aie.device(npu1) {
    %core = aie.tile(0, 2)
    %a = aie.lock(%core, 3) {sym_name = "a"}
    %b = aie.lock(%core, 3) {sym_name = "b"}
  }
}
