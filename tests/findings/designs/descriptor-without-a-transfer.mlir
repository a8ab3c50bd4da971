// NPU109
// design.mlir:12: a second aie.dma_bd in one block
// The toolchain fails.
module {
  aie.device(npu1) {
    %core = aie.tile(0, 2)
    %box = aie.buffer(%core) {sym_name = "box"} : memref<16xi32>
    aie.mem(%core) {
      %0 = aie.dma_start(S2MM, 0, ^receive, ^end)
    ^receive:
      aie.dma_bd(%box : memref<16xi32>, 0, 8)
      aie.dma_bd(%box : memref<16xi32>, 8, 8)
      aie.next_bd ^end
    ^end:
      aie.end
    }
  }
}
