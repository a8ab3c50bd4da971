// NPU113
// design.mlir has 2 devices, and none was chosen
// The toolchain compiles one of them.
module {
  aie.device(npu1) @left {
  }
  aie.device(npu1) @right {
  }
}
