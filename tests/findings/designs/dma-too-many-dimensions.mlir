// NPU209
// BD 0 of tile(0,2) (box, line 11): 4 dimensions, this tile's DMA has 3
// A core tile's descriptor has three dimensions.
module {
  aie.device(npu1) {
    %core = aie.tile(0, 2)
    %box = aie.buffer(%core) {sym_name = "box"} : memref<16xi32>
    aie.mem(%core) {
      %0 = aie.dma_start(S2MM, 0, ^receive, ^end)
    ^receive:
      aie.dma_bd(%box : memref<16xi32>, 0, 16, [<size = 2, stride = 1>, <size = 2, stride = 2>, <size = 2, stride = 4>, <size = 2, stride = 8>])
      aie.next_bd ^end
    ^end:
      aie.end
    }
  }
}
