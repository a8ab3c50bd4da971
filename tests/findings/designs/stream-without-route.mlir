// NPU226
// deadlock at cycle 120: tile(0,0) S2MM:1 (out, line 26) waits for words: 0 of 16 came, no route leads to tile(0,0) DMA:1
// Words enter the switch and no port takes them: the channel stalls for ever.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    aie.objectfifo @in(%shim, {%core}, 2 : i32) : !aie.objectfifo<memref<16xi32>>
    %box = aie.buffer(%core) {sym_name = "box"} : memref<16xi32>
    %free = aie.lock(%core, 0) {init = 1 : i32, sym_name = "free"}
    %full = aie.lock(%core, 1) {init = 0 : i32, sym_name = "full"}
    aie.core(%core) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c16 = arith.constant 16 : index
      %v = arith.constant 7 : i32
      aie.use_lock(%free, AcquireGreaterEqual, 1)
      scf.for %i = %c0 to %c16 step %c1 {
        memref.store %v, %box[%i] : memref<16xi32>
      }
      aie.use_lock(%full, Release, 1)
      aie.end
    }
    aie.shim_dma_allocation @out (%shim, S2MM, 1)
    aie.runtime_sequence(%y: memref<16xi32>) {
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][1, 1, 1, 16][0, 0, 0, 1]) {id = 1 : i64, metadata = @out} : memref<16xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
