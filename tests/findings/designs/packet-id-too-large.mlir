// NPU210
// route from tile(0,0) DMA:0 (line 8): packet id 32 is outside 0..31
// An id has 5 bits.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    aie.packet_flow(32) {
      aie.packet_source<%shim, DMA : 0>
      aie.packet_dest<%core, DMA : 0>
    }
  }
}
