// NPU126
// design.mlir:11: offset 8 for 16 elements reaches element 23 of box, which has 16
// The DMA reads and overwrites what lies behind the buffer.
module {
  aie.device(npu1) {
    %core = aie.tile(0, 2)
    %box = aie.buffer(%core) {sym_name = "box"} : memref<16xi32>
    aie.mem(%core) {
      %0 = aie.dma_start(S2MM, 0, ^receive, ^end)
    ^receive:
      aie.dma_bd(%box : memref<16xi32>, 8, 16)
      aie.next_bd ^end
    ^end:
      aie.end
    }
  }
}
