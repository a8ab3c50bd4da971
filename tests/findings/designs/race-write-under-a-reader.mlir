// NPU223
// race for bytes 1024..1087 of tile(0,2)'s memory (buffer box, line 8): tile(0,2) MM2S:0 (box, line 22) reads them, and core of tile(0,2) (line 15) writes them, and no lock orders the two
// The DMA sends what the core has overwritten so far: some of it old, some new.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    %box = aie.buffer(%core) {sym_name = "box"} : memref<16xi32> = dense<1>
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
      %0 = aie.dma_start(MM2S, 0, ^send, ^end)
    ^send:
      aie.dma_bd(%box : memref<16xi32>, 0, 16)
      aie.next_bd ^end
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
