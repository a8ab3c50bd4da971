// NPU107
// design.mlir:11: the core uses 3 objects of @in at once, and its end has 2
// The core waits for objects that the fifo does not have.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    aie.objectfifo @in(%shim, {%core}, [2, 2]) : !aie.objectfifo<memref<16xi32>>
    aie.objectfifo @out(%core, {%shim}, [2, 2]) : !aie.objectfifo<memref<16xi32>>
    aie.core(%core) {
      %s = aie.objectfifo.acquire @in(Consume, 3) : !aie.objectfifosubview<memref<16xi32>>
      aie.end
    }
  }
}
