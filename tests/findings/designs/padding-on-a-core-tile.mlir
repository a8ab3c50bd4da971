// NPU209
// BD 0 of tile(0,2) (box, line 11): only a memory tile's DMA pads
// Only memory tiles pad; the padding is lost.
module {
  aie.device(npu1) {
    %core = aie.tile(0, 2)
    %box = aie.buffer(%core) {sym_name = "box"} : memref<16xi32>
    aie.mem(%core) {
      %0 = aie.dma_start(MM2S, 0, ^send, ^end)
    ^send:
      aie.dma_bd(%box : memref<16xi32>, 0, 20, [<size = 16, stride = 1>], [<const_pad_before = 2, const_pad_after = 2>])
      aie.next_bd ^end
    ^end:
      aie.end
    }
  }
}
