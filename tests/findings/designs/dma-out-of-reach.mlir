// NPU209
// BD 0 of tile(0,2) (box, line 12): its DMA does not reach the memory of tile(0,3)
// A core tile's DMA addresses its own memory only.
module {
  aie.device(npu1) {
    %core = aie.tile(0, 2)
    %north = aie.tile(0, 3)
    %box = aie.buffer(%north) {sym_name = "box"} : memref<16xi32>
    aie.mem(%core) {
      %0 = aie.dma_start(S2MM, 0, ^receive, ^end)
    ^receive:
      aie.dma_bd(%box : memref<16xi32>, 0, 16)
      aie.next_bd ^end
    ^end:
      aie.end
    }
  }
}
