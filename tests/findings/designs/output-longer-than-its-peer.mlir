// NPU227
// deadlock at cycle 120: tile(0,2) MM2S:0 has no task, and tile(0,0) S2MM:0 (out, line 20) waits for it, for words: 16 of 32 came
// The host waits for words that nobody sends, until it gives up.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    aie.flow(%core, DMA : 0, %shim, DMA : 0)
    %box = aie.buffer(%core) {sym_name = "box"} : memref<16xi32> = dense<1>
    aie.mem(%core) {
      %0 = aie.dma_start(MM2S, 0, ^send, ^end)
    ^send:
      aie.dma_bd(%box : memref<16xi32>, 0, 16)
      aie.next_bd ^end
    ^end:
      aie.end
    }
    aie.shim_dma_allocation @out (%shim, S2MM, 0)
    aie.runtime_sequence(%y: memref<32xi32>) {
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][1, 1, 1, 32][0, 0, 0, 1]) {id = 0 : i64, metadata = @out} : memref<32xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
