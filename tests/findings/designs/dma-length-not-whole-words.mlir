// NPU206
// BD 0 of tile(0,2) (box, line 11): address 0 and length 10 must be multiples of 4 bytes, the length more than 0
// The descriptor counts words: the last bytes are lost.
module {
  aie.device(npu1) {
    %core = aie.tile(0, 2)
    %box = aie.buffer(%core) {sym_name = "box"} : memref<10xi8>
    aie.mem(%core) {
      %0 = aie.dma_start(S2MM, 0, ^receive, ^end)
    ^receive:
      aie.dma_bd(%box : memref<10xi8>, 0, 10)
      aie.next_bd ^end
    ^end:
      aie.end
    }
  }
}
