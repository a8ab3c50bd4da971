// NPU143
// design.mlir:9: the core of tile(0,2) fails with index out of bounds on dimension 1: b_[16] = 7
// The core reads another buffer, or a neighbour's memory.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    aie.objectfifo @out(%core, {%shim}, 2 : i32) : !aie.objectfifo<memref<16xi32>>
    aie.core(%core) {
      %c16 = arith.constant 16 : index
      %v = arith.constant 7 : i32
      %b = aie.objectfifo.acquire @out(Produce, 1) : memref<16xi32>
      memref.store %v, %b[%c16] : memref<16xi32>
      aie.objectfifo.release @out(Produce, 1)
      aie.end
    }
    aie.runtime_sequence(%y: memref<16xi32>) {
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][1, 1, 1, 16][0, 0, 0, 1]) {id = 1 : i64, metadata = @out} : memref<16xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
