// NPU225
// deadlock at cycle 120: tile(0,2) MM2S:0 (box, line 26) waits for lock 1 of tile(0,2) (full, line 9) >= 1, its value is 0, and nobody releases that lock
// The DMA waits for the lock for ever; the host's wait times out.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    %free = aie.lock(%core, 0) {init = 1 : i32, sym_name = "free"}
    %full = aie.lock(%core, 1) {init = 0 : i32, sym_name = "full"}
    %box = aie.buffer(%core) {sym_name = "box"} : memref<16xi32>
    aie.core(%core) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c16 = arith.constant 16 : index
      %v = arith.constant 7 : i32
      aie.use_lock(%free, AcquireGreaterEqual, 1)
      scf.for %i = %c0 to %c16 step %c1 {
        memref.store %v, %box[%i] : memref<16xi32>
      }
      aie.end
    }
    aie.mem(%core) {
      %0 = aie.dma_start(MM2S, 0, ^send, ^end)
    ^send:
      aie.use_lock(%full, AcquireGreaterEqual, 1)
      aie.dma_bd(%box : memref<16xi32>, 0, 16)
      aie.use_lock(%free, Release, 1)
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
