// NPU204
// core of tile(0,2) (full, line 12) releases lock 5 of tile(0,2) (full, line 8) by -1: its value 0 would become -1, outside 0..63
// A release of less than nothing takes from a lock that has nothing: its value is undefined.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    %lock = aie.lock(%core, 5) {init = 0 : i32, sym_name = "full"}
    aie.objectfifo @in(%shim, {%core}, 2 : i32) : !aie.objectfifo<memref<16xi32>>
    aie.objectfifo @out(%core, {%shim}, 2 : i32) : !aie.objectfifo<memref<16xi32>>
    aie.core(%core) {
      aie.use_lock(%lock, Release, -1)
      aie.end
    }
    aie.runtime_sequence(%x: memref<16xi32>, %y: memref<16xi32>) {
      aiex.npu.dma_memcpy_nd(%x[0, 0, 0, 0][1, 1, 1, 16][0, 0, 0, 1]) {id = 0 : i64, metadata = @in} : memref<16xi32>
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][1, 1, 1, 16][0, 0, 0, 1]) {id = 1 : i64, metadata = @out} : memref<16xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
