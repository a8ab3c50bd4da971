// NPU223
// race for bytes 32..63 of host argument 1: tile(0,0) S2MM:0 (out, line 17) writes them, and tile(0,0) S2MM:1 (out2, line 18) writes them, and no lock orders the two
// The overlapping words of the host buffer are those of whichever channel is later.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %mem = aie.tile(0, 1)
    aie.objectfifo @in(%shim, {%mem}, 2 : i32) : !aie.objectfifo<memref<16xi32>>
    aie.objectfifo @out(%mem, {%shim}, 2 : i32) : !aie.objectfifo<memref<16xi32>>
    aie.objectfifo @in2(%shim, {%mem}, 2 : i32) : !aie.objectfifo<memref<16xi32>>
    aie.objectfifo @out2(%mem, {%shim}, 2 : i32) : !aie.objectfifo<memref<16xi32>>
    aie.objectfifo.link [@in] -> [@out] ([] [])
    aie.objectfifo.link [@in2] -> [@out2] ([] [])
    aie.runtime_sequence(%x: memref<16xi32>, %y: memref<24xi32>) {
      aiex.npu.dma_memcpy_nd(%x[0, 0, 0, 0][1, 1, 1, 16][0, 0, 0, 1]) {id = 0 : i64, metadata = @in} : memref<16xi32>
      aiex.npu.dma_memcpy_nd(%x[0, 0, 0, 0][1, 1, 1, 16][0, 0, 0, 1]) {id = 1 : i64, metadata = @in2} : memref<16xi32>
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][1, 1, 1, 16][0, 0, 0, 1]) {id = 2 : i64, metadata = @out} : memref<24xi32>
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 8][1, 1, 1, 16][0, 0, 0, 1]) {id = 3 : i64, metadata = @out2} : memref<24xi32>
      aiex.npu.dma_wait {symbol = @out}
      aiex.npu.dma_wait {symbol = @out2}
    }
  }
}
