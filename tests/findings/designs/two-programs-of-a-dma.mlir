// NPU124
// design.mlir:16: the DMA of tile(0,2) has a program already, in line 8
// The toolchain fails.
module {
  aie.device(npu1) {
    %core = aie.tile(0, 2)
    %box = aie.buffer(%core) {sym_name = "box"} : memref<16xi32>
    aie.mem(%core) {
      %0 = aie.dma_start(S2MM, 0, ^receive, ^end)
    ^receive:
      aie.dma_bd(%box : memref<16xi32>, 0, 16)
      aie.next_bd ^end
    ^end:
      aie.end
    }
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
