// NPU223
// race for bytes 32768..32771 of tile(0,2)'s memory (buffer rate, line 9): the host writes them, and core of tile(0,2) (line 13) reads them, and no lock orders the two
// The core may read the parameter before the host has written it.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    aie.objectfifo @out(%core, {%shim}, 2 : i32) : !aie.objectfifo<memref<16xi32>>
    %rate = aie.buffer(%core) {sym_name = "rate"} : memref<1xi32> = dense<1>
    aie.core(%core) {
      %c0 = arith.constant 0 : index
      %b = aie.objectfifo.acquire @out(Produce, 1) : memref<16xi32>
      %v = memref.load %rate[%c0] : memref<1xi32>
      memref.store %v, %b[%c0] : memref<16xi32>
      aie.objectfifo.release @out(Produce, 1)
      aie.end
    }
    aie.runtime_sequence(%y: memref<16xi32>) {
      aiex.npu.rtp_write(@rate, 0, 5)
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][1, 1, 1, 16][0, 0, 0, 1]) {id = 1 : i64, metadata = @out} : memref<16xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
