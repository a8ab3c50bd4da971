// NPU219
// BD 0 of tile(0,2) (box, line 15) sends memory that nobody had written
// The host gets what an earlier design left in that memory.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    %box = aie.buffer(%core) {sym_name = "box"} : memref<16xi32>
    %go = aie.lock(%core, 0) {init = 1 : i32, sym_name = "go"}
    %never = aie.lock(%core, 1) {init = 0 : i32, sym_name = "never"}
    aie.mem(%core) {
      %0 = aie.dma_start(MM2S, 0, ^send, ^end)
    ^send:
      aie.use_lock(%go, AcquireGreaterEqual, 1)
      aie.dma_bd(%box : memref<16xi32>, 0, 16)
      aie.use_lock(%never, Release, 1)
      aie.next_bd ^send
    ^end:
      aie.end
    }
    aie.flow(%core, DMA : 0, %shim, DMA : 0)
    aie.shim_dma_allocation @out (%shim, S2MM, 0)
    aie.runtime_sequence(%y: memref<16xi32>) {
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][1, 1, 1, 16][0, 0, 0, 1]) {id = 0 : i64, metadata = @out} : memref<16xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
