// NPU223
// race for bytes 32..63 of tile(0,2)'s memory (buffer box, line 8): tile(0,2) S2MM:0 (box, line 16) writes them, and tile(0,2) S2MM:1 (box, line 22) writes them, and no lock orders the two
// Words 8 to 15 are those of whichever channel is later.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    %box = aie.buffer(%core) {sym_name = "box"} : memref<24xi32>
    %full = aie.lock(%core, 1) {init = 0 : i32}
    aie.flow(%shim, DMA : 0, %core, DMA : 0)
    aie.flow(%shim, DMA : 1, %core, DMA : 1)
    aie.flow(%core, DMA : 0, %shim, DMA : 0)
    aie.mem(%core) {
      %0 = aie.dma_start(S2MM, 0, ^first, ^other)
    ^first:
      aie.dma_bd(%box : memref<24xi32>, 0, 16)
      aie.use_lock(%full, Release, 1)
      aie.next_bd ^end
    ^other:
      %1 = aie.dma_start(S2MM, 1, ^second, ^next)
    ^second:
      aie.dma_bd(%box : memref<24xi32>, 8, 16)
      aie.use_lock(%full, Release, 1)
      aie.next_bd ^end
    ^next:
      %2 = aie.dma_start(MM2S, 0, ^send, ^end)
    ^send:
      aie.use_lock(%full, AcquireGreaterEqual, 2)
      aie.dma_bd(%box : memref<24xi32>, 0, 24)
      aie.next_bd ^end
    ^end:
      aie.end
    }
    aie.shim_dma_allocation @in (%shim, MM2S, 0)
    aie.shim_dma_allocation @more (%shim, MM2S, 1)
    aie.shim_dma_allocation @out (%shim, S2MM, 0)
    aie.runtime_sequence(%x: memref<16xi32>, %y: memref<24xi32>) {
      aiex.npu.dma_memcpy_nd(%x[0, 0, 0, 0][1, 1, 1, 16][0, 0, 0, 1]) {id = 0 : i64, metadata = @in} : memref<16xi32>
      aiex.npu.dma_memcpy_nd(%x[0, 0, 0, 0][1, 1, 1, 16][0, 0, 0, 1]) {id = 1 : i64, metadata = @more} : memref<16xi32>
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][1, 1, 1, 24][0, 0, 0, 1]) {id = 2 : i64, metadata = @out} : memref<24xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
