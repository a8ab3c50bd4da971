// NPU160
// design.mlir has 2 runtime sequences, and none was chosen
// The host must say which one it plays.
module {
  aie.device(npu1) {
    aie.runtime_sequence @a() {
    }
    aie.runtime_sequence @b() {
    }
  }
}
