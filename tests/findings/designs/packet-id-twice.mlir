// NPU215
// the route from tile(0,0) DMA:0 to tile(0,2) DMA:0 (line 12) is impossible: packet id 1 already goes to tile(0,2) DMA:0
// Both packets go both ways, or the toolchain fails.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    aie.packet_flow(1) {
      aie.packet_source<%shim, DMA : 0>
      aie.packet_dest<%core, DMA : 0>
    }
    aie.packet_flow(1) {
      aie.packet_source<%shim, DMA : 0>
      aie.packet_dest<%core, DMA : 0>
    }
  }
}
