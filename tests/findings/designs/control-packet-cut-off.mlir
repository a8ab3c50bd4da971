// NPU227
// deadlock at cycle 318: tile(0,0) MM2S:0 has no task, and control unit of tile(0,2) waits for it, for words: 0 of 1 came of a control packet
// The control unit waits inside the packet; every later packet is read from its middle.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    %lock = aie.lock(%core, 0) {init = 0 : i32}
    aie.packet_flow(1) {
      aie.packet_source<%shim, DMA : 0>
      aie.packet_dest<%core, TileControl : 0>
    }
    aie.shim_dma_allocation @in (%shim, MM2S, 0)
    aie.objectfifo @res(%core, {%shim}, 2 : i32) : !aie.objectfifo<memref<16xi32>>
    aie.core(%core) {
      aie.use_lock(%lock, AcquireGreaterEqual, 1)
      %b = aie.objectfifo.acquire @res(Produce, 1) : memref<16xi32>
      aie.objectfifo.release @res(Produce, 1)
      aie.end
    }
    aie.runtime_sequence(%x: memref<1xi32>, %y: memref<16xi32>) {
      aiex.npu.dma_memcpy_nd(%x[0, 0, 0, 0][1, 1, 1, 1][0, 0, 0, 1], packet = <pkt_id = 1, pkt_type = 0>) {id = 0 : i64, metadata = @in} : memref<1xi32>
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][1, 1, 1, 16][0, 0, 0, 1]) {id = 1 : i64, metadata = @res} : memref<16xi32>
      aiex.npu.dma_wait {symbol = @res}
    }
  }
}
