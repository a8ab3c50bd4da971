// NPU210
// route from tile(0,0) DMA:0 (line 8): tile(0,2) has no S2MM channel 2, it has 0..1
// A core tile has two channels each way.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    aie.flow(%shim, DMA : 0, %core, DMA : 2)
  }
}
