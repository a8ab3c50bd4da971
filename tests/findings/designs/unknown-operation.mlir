// NPU103
// design.mlir:8: there is no operation aie.flows; did you mean aie.flow?
// The toolchain fails.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    aie.flows(%shim, DMA : 0, %core, DMA : 0)
  }
}
