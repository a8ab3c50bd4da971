// NPU223
// race for bytes 1024..1027 of tile(0,2)'s memory (buffer box, line 10): core of tile(0,3) (line 22) writes them, and core of tile(0,2) (line 14) reads them, and no lock orders the two
// The southern core reads the old or the new value, depending on which core is faster.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    %north = aie.tile(0, 3)
    aie.objectfifo @out(%core, {%shim}, 2 : i32) : !aie.objectfifo<memref<16xi32>>
    %box = aie.buffer(%core) {sym_name = "box"} : memref<16xi32> = dense<1>
    aie.core(%core) {
      %c0 = arith.constant 0 : index
      %b = aie.objectfifo.acquire @out(Produce, 1) : memref<16xi32>
      %v = memref.load %box[%c0] : memref<16xi32>
      memref.store %v, %b[%c0] : memref<16xi32>
      aie.objectfifo.release @out(Produce, 1)
      aie.end
    }
    aie.core(%north) {
      %c0 = arith.constant 0 : index
      %v = arith.constant 7 : i32
      memref.store %v, %box[%c0] : memref<16xi32>
      aie.end
    }
    aie.runtime_sequence(%y: memref<16xi32>) {
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][1, 1, 1, 16][0, 0, 0, 1]) {id = 1 : i64, metadata = @out} : memref<16xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
