// NPU121
// design.mlir:8: tile(0,1) has 24 buffer descriptors for its even channels, and the design needs more
// There is no 25th descriptor for the even channels of a memory tile.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %mem = aie.tile(0, 1)
    aie.objectfifo @in(%shim, {%mem}, [1, 25]) : !aie.objectfifo<memref<16xi32>>
  }
}
