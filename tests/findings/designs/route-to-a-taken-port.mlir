// NPU215
// the route from tile(0,1) DMA:0 to tile(0,2) DMA:0 (line 10) is impossible: tile(0,2) DMA:0 is already fed by tile(0,0) DMA:0
// Two streams into one port: the toolchain fails.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %mem = aie.tile(0, 1)
    %core = aie.tile(0, 2)
    aie.flow(%shim, DMA : 0, %core, DMA : 0)
    aie.flow(%mem, DMA : 0, %core, DMA : 0)
  }
}
