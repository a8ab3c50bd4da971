// NPU216
// route from tile(0,0) DMA:0 (line 8): words that arrive at tile(0,2) Trace:0 would have an effect that is not modelled
// The trace port only sends: nothing takes the words.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    aie.flow(%shim, DMA : 0, %core, Trace : 0)
  }
}
