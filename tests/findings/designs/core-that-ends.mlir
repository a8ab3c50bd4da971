// NPU228
// deadlock at cycle 384: core of tile(0,2) has ended, and tile(0,2) MM2S:0 (out_buff_1, line 9) waits for it, for lock 3 of tile(0,2) (out_cons_lock_0, line 9) >= 1, its value is 0
// The core halts after one object; everybody else waits until the host gives up.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    aie.objectfifo @in(%shim, {%core}, 2 : i32) : !aie.objectfifo<memref<16xi32>>
    aie.objectfifo @out(%core, {%shim}, 2 : i32) : !aie.objectfifo<memref<16xi32>>
    aie.core(%core) {
      %a = aie.objectfifo.acquire @in(Consume, 1) : memref<16xi32>
      %b = aie.objectfifo.acquire @out(Produce, 1) : memref<16xi32>
      memref.copy %a, %b : memref<16xi32> to memref<16xi32>
      aie.objectfifo.release @in(Consume, 1)
      aie.objectfifo.release @out(Produce, 1)
      aie.end
    }
    aie.runtime_sequence(%x: memref<64xi32>, %y: memref<64xi32>) {
      aiex.npu.dma_memcpy_nd(%x[0, 0, 0, 0][1, 1, 1, 64][0, 0, 0, 1]) {id = 0 : i64, metadata = @in} : memref<64xi32>
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][1, 1, 1, 64][0, 0, 0, 1]) {id = 1 : i64, metadata = @out} : memref<64xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
