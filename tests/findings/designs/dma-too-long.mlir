// NPU209
// BD 0 of tile(0,2) (box, line 11): 65536 bytes, it can move 65532 at most
// The length field has 14 bits.
module {
  aie.device(npu1) {
    %core = aie.tile(0, 2)
    %box = aie.buffer(%core) {sym_name = "box", address = 0 : i32} : memref<16384xi32>
    aie.mem(%core) {
      %0 = aie.dma_start(S2MM, 0, ^receive, ^end)
    ^receive:
      aie.dma_bd(%box : memref<16384xi32>, 0, 16384)
      aie.next_bd ^end
    ^end:
      aie.end
    }
  }
}
