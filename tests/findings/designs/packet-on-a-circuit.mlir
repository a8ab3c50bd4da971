// NPU215
// the route from tile(0,0) DMA:0 to tile(0,3) DMA:0 (line 10) is impossible: tile(0,0) DMA:0 already feeds a circuit-switched route
// The port carries either packets or a circuit: the toolchain fails.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    %north = aie.tile(0, 3)
    aie.flow(%shim, DMA : 0, %core, DMA : 0)
    aie.packet_flow(1) {
      aie.packet_source<%shim, DMA : 0>
      aie.packet_dest<%north, DMA : 0>
    }
  }
}
