// NPU102
// design.mlir:8: expected ','
// The toolchain fails.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    aie.flow(%shim, DMA : 0, %core DMA : 0)
  }
}
