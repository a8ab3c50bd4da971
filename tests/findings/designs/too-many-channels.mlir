// NPU122
// design.mlir:12: tile(0,0) has 2 MM2S DMA channels, and @c needs another
// The shim has two channels that send.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    %north = aie.tile(0, 3)
    %far = aie.tile(1, 4)
    aie.objectfifo @a(%shim, {%core}, 2 : i32) : !aie.objectfifo<memref<16xi32>>
    aie.objectfifo @b(%shim, {%north}, 2 : i32) : !aie.objectfifo<memref<16xi32>>
    aie.objectfifo @c(%shim, {%far}, 2 : i32) : !aie.objectfifo<memref<16xi32>>
  }
}
