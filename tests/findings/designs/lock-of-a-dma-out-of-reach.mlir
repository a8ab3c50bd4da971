// NPU209
// BD 0 of tile(0,2) (box, line 14): its DMA does not reach lock 0 of tile(0,3)
// The descriptor's lock field means another lock.
module {
  aie.device(npu1) {
    %core = aie.tile(0, 2)
    %north = aie.tile(0, 3)
    %lock = aie.lock(%north, 0) {init = 1 : i32}
    %box = aie.buffer(%core) {sym_name = "box"} : memref<16xi32>
    aie.mem(%core) {
      %0 = aie.dma_start(S2MM, 0, ^receive, ^end)
    ^receive:
      aie.use_lock(%lock, AcquireGreaterEqual, 1)
      aie.dma_bd(%box : memref<16xi32>, 0, 16)
      aie.next_bd ^end
    ^end:
      aie.end
    }
  }
}
