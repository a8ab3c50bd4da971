// NPU126
// design.mlir:11: offset 0 with pattern [<size = 4, stride = 8>, <size = 4, stride = 1>] reaches element 27 of box, which has 16
// The DMA reads and overwrites what lies behind the buffer.
module {
  aie.device(npu1) {
    %core = aie.tile(0, 2)
    %box = aie.buffer(%core) {sym_name = "box"} : memref<16xi32>
    aie.mem(%core) {
      %0 = aie.dma_start(S2MM, 0, ^receive, ^end)
    ^receive:
      aie.dma_bd(%box : memref<16xi32>, 0, 16, [<size = 4, stride = 8>, <size = 4, stride = 1>])
      aie.next_bd ^end
    ^end:
      aie.end
    }
  }
}
