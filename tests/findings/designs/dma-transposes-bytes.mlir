// NPU125
// design.mlir:11: stride 1 of [<size = 8, stride = 1>, <size = 8, stride = 8>] is 1 bytes, which is not a whole number of 4-byte words
// A DMA moves whole words: bytes cannot be picked one by one.
module {
  aie.device(npu1) {
    %core = aie.tile(0, 2)
    %box = aie.buffer(%core) {sym_name = "box"} : memref<64xi8>
    aie.mem(%core) {
      %0 = aie.dma_start(S2MM, 0, ^receive, ^end)
    ^receive:
      aie.dma_bd(%box : memref<64xi8>, 0, 64, [<size = 8, stride = 1>, <size = 8, stride = 8>])
      aie.next_bd ^end
    ^end:
      aie.end
    }
  }
}
