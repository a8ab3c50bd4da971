// NPU143
// design.mlir:9: the core of tile(0,2) fails with integer division or modulo by zero: b_[0] = (i32(quotient(7, 0)))
// The quotient is undefined.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    aie.objectfifo @out(%core, {%shim}, 2 : i32) : !aie.objectfifo<memref<16xi32>>
    aie.core(%core) {
      %zero = arith.constant 0 : i32
      %v = arith.constant 7 : i32
      %q = arith.divsi %v, %zero : i32
      %c0 = arith.constant 0 : index
      %b = aie.objectfifo.acquire @out(Produce, 1) : memref<16xi32>
      memref.store %q, %b[%c0] : memref<16xi32>
      aie.objectfifo.release @out(Produce, 1)
      aie.end
    }
    aie.runtime_sequence(%y: memref<16xi32>) {
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][1, 1, 1, 16][0, 0, 0, 1]) {id = 1 : i64, metadata = @out} : memref<16xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
