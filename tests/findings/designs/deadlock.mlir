// NPU203
// deadlock at cycle 336: the host (out, line 33) waits for a task token of tile(0,0) S2MM:0, and nothing in the array can go on
// Both cores stall for ever on their lock; the host's wait ends in a timeout that names nobody.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    %north = aie.tile(0, 3)
    aie.objectfifo @in(%shim, {%core}, 2 : i32) : !aie.objectfifo<memref<16xi32>>
    aie.objectfifo @out(%north, {%shim}, 2 : i32) : !aie.objectfifo<memref<16xi32>>
    %left = aie.lock(%core, 10) {init = 1 : i32, sym_name = "left"}
    %right = aie.lock(%core, 11) {init = 1 : i32, sym_name = "right"}
    aie.core(%core) {
      aie.use_lock(%left, AcquireGreaterEqual, 1)
      %a = aie.objectfifo.acquire @in(Consume, 1) : memref<16xi32>
      aie.use_lock(%right, AcquireGreaterEqual, 1)
      aie.use_lock(%right, Release, 1)
      aie.use_lock(%left, Release, 1)
      aie.end
    }
    aie.core(%north) {
      aie.use_lock(%right, AcquireGreaterEqual, 1)
      %b = aie.objectfifo.acquire @out(Produce, 1) : memref<16xi32>
      aie.use_lock(%left, AcquireGreaterEqual, 1)
      aie.objectfifo.release @out(Produce, 1)
      aie.use_lock(%left, Release, 1)
      aie.use_lock(%right, Release, 1)
      aie.end
    }
    aie.runtime_sequence(%x: memref<16xi32>, %y: memref<16xi32>) {
      aiex.npu.dma_memcpy_nd(%x[0, 0, 0, 0][1, 1, 1, 16][0, 0, 0, 1]) {id = 0 : i64, metadata = @in} : memref<16xi32>
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][1, 1, 1, 16][0, 0, 0, 1]) {id = 1 : i64, metadata = @out} : memref<16xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
