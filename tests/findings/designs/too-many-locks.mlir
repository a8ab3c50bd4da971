// NPU123
// design.mlir:23: tile(0,2) has 16 locks, and the design uses 17 there
// There is no 17th lock: the toolchain fails, or two objects share one.
module {
  aie.device(npu1) {
    %core = aie.tile(0, 2)
    %l0 = aie.lock(%core) {sym_name = "l0"}
    %l1 = aie.lock(%core) {sym_name = "l1"}
    %l2 = aie.lock(%core) {sym_name = "l2"}
    %l3 = aie.lock(%core) {sym_name = "l3"}
    %l4 = aie.lock(%core) {sym_name = "l4"}
    %l5 = aie.lock(%core) {sym_name = "l5"}
    %l6 = aie.lock(%core) {sym_name = "l6"}
    %l7 = aie.lock(%core) {sym_name = "l7"}
    %l8 = aie.lock(%core) {sym_name = "l8"}
    %l9 = aie.lock(%core) {sym_name = "l9"}
    %l10 = aie.lock(%core) {sym_name = "l10"}
    %l11 = aie.lock(%core) {sym_name = "l11"}
    %l12 = aie.lock(%core) {sym_name = "l12"}
    %l13 = aie.lock(%core) {sym_name = "l13"}
    %l14 = aie.lock(%core) {sym_name = "l14"}
    %l15 = aie.lock(%core) {sym_name = "l15"}
    %l16 = aie.lock(%core) {sym_name = "l16"}
  }
}
