// NPU224
// core of tile(0,2) (line 14) reads bytes 32768..32771 of tile(0,2)'s memory (buffer sum, line 9), of which nobody had written any
// The sum starts with what an earlier design left in that memory.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    aie.objectfifo @out(%core, {%shim}, 2 : i32) : !aie.objectfifo<memref<16xi32>>
    %sum = aie.buffer(%core) {sym_name = "sum"} : memref<1xi32>
    aie.core(%core) {
      %c0 = arith.constant 0 : index
      %v = arith.constant 7 : i32
      %b = aie.objectfifo.acquire @out(Produce, 1) : memref<16xi32>
      %old = memref.load %sum[%c0] : memref<1xi32>
      %new = arith.addi %old, %v : i32
      memref.store %new, %sum[%c0] : memref<1xi32>
      memref.store %new, %b[%c0] : memref<16xi32>
      aie.objectfifo.release @out(Produce, 1)
      aie.end
    }
    aie.runtime_sequence(%y: memref<16xi32>) {
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][1, 1, 1, 16][0, 0, 0, 1]) {id = 1 : i64, metadata = @out} : memref<16xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
