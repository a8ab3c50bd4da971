// NPU223
// race for bytes 1024..1087 of tile(0,2)'s memory (buffer box, line 8): core of tile(0,2) (line 18) writes them, and tile(0,2) S2MM:0 (box, line 25) writes them, and no lock orders the two
// Whichever comes last stays: the buffer holds words of the core, of the DMA, or of both.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    %box = aie.buffer(%core) {sym_name = "box"} : memref<16xi32>
    aie.flow(%shim, DMA : 0, %core, DMA : 0)
    aie.flow(%core, DMA : 0, %shim, DMA : 0)
    %full = aie.lock(%core, 1) {init = 0 : i32}
    aie.core(%core) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c16 = arith.constant 16 : index
      %v = arith.constant 7 : i32
      scf.for %i = %c0 to %c16 step %c1 {
        memref.store %v, %box[%i] : memref<16xi32>
      }
      aie.end
    }
    aie.mem(%core) {
      %0 = aie.dma_start(S2MM, 0, ^receive, ^next)
    ^receive:
      aie.dma_bd(%box : memref<16xi32>, 0, 16)
      aie.use_lock(%full, Release, 1)
      aie.next_bd ^end
    ^next:
      %1 = aie.dma_start(MM2S, 0, ^send, ^end)
    ^send:
      aie.use_lock(%full, AcquireGreaterEqual, 1)
      aie.dma_bd(%box : memref<16xi32>, 0, 16)
      aie.next_bd ^end
    ^end:
      aie.end
    }
    aie.shim_dma_allocation @in (%shim, MM2S, 0)
    aie.shim_dma_allocation @out (%shim, S2MM, 0)
    aie.runtime_sequence(%x: memref<16xi32>, %y: memref<16xi32>) {
      aiex.npu.dma_memcpy_nd(%x[0, 0, 0, 0][1, 1, 1, 16][0, 0, 0, 1]) {id = 0 : i64, metadata = @in} : memref<16xi32>
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][1, 1, 1, 16][0, 0, 0, 1]) {id = 1 : i64, metadata = @out} : memref<16xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
