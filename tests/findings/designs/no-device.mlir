// NPU104
// design.mlir has no aie.device
// The toolchain has nothing to compile.
module {
}
