// NPU125
// design.mlir:11: a dimension of size 4 has stride 0, and a DMA always steps on
// A stride field holds stride less one: 0 is not a stride.
module {
  aie.device(npu1) {
    %core = aie.tile(0, 2)
    %box = aie.buffer(%core) {sym_name = "box"} : memref<16xi32>
    aie.mem(%core) {
      %0 = aie.dma_start(S2MM, 0, ^receive, ^end)
    ^receive:
      aie.dma_bd(%box : memref<16xi32>, 0, 16, [<size = 4, stride = 0>, <size = 4, stride = 1>])
      aie.next_bd ^end
    ^end:
      aie.end
    }
  }
}
