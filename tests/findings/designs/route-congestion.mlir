// NPU230
// 5 circuit-switched routes enter tile(0,0) to tile(0,1), and 4 wires of its stream switches do: there is no way for the route from tile(0,4) DMA:0 (line 15)
// The pathfinder of the toolchain finds no way.
module {
  aie.device(npu1_1col) {
    %mem = aie.tile(0, 1)
    %core = aie.tile(0, 2)
    %a3 = aie.tile(0, 3)
    %a4 = aie.tile(0, 4)
    %a5 = aie.tile(0, 5)
    aie.flow(%core, DMA : 0, %mem, DMA : 0)
    aie.flow(%core, DMA : 1, %mem, DMA : 1)
    aie.flow(%a3, DMA : 0, %mem, DMA : 2)
    aie.flow(%a3, DMA : 1, %mem, DMA : 3)
    aie.flow(%a4, DMA : 0, %mem, DMA : 4)
  }
}
