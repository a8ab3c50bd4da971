// NPU125
// design.mlir:11: stride 6 of [<size = 4, stride = 6>, <size = 4, stride = 1>] is 6 bytes, which is not a whole number of 4-byte words
// Strides count words: every element comes from another place.
module {
  aie.device(npu1) {
    %core = aie.tile(0, 2)
    %box = aie.buffer(%core) {sym_name = "box"} : memref<64xi8>
    aie.mem(%core) {
      %0 = aie.dma_start(S2MM, 0, ^receive, ^end)
    ^receive:
      aie.dma_bd(%box : memref<64xi8>, 0, 16, [<size = 4, stride = 6>, <size = 4, stride = 1>])
      aie.next_bd ^end
    ^end:
      aie.end
    }
  }
}
