// NPU209
// task on tile(0,2) S2MM:0 (line 11): repeat count 256 is outside 0..255
// The repeat count has 8 bits.
module {
  aie.device(npu1) {
    %core = aie.tile(0, 2)
    %box = aie.buffer(%core) {sym_name = "box"} : memref<16xi32>
    aie.mem(%core) {
      %0 = aie.dma_start(S2MM, 0, ^receive, ^end, repeat_count = 256)
    ^receive:
      aie.dma_bd(%box : memref<16xi32>, 0, 16)
      aie.next_bd ^end
    ^end:
      aie.end
    }
  }
}
