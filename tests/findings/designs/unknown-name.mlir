// NPU105
// design.mlir:11: there is no objectFifo @inn; did you mean in?
// The toolchain fails.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    aie.objectfifo @in(%shim, {%core}, 2 : i32) : !aie.objectfifo<memref<16xi32>>
    aie.objectfifo @out(%core, {%shim}, 2 : i32) : !aie.objectfifo<memref<16xi32>>
    aie.core(%core) {
      %a = aie.objectfifo.acquire @inn(Consume, 1) : memref<16xi32>
      %b = aie.objectfifo.acquire @out(Produce, 1) : memref<16xi32>
      memref.copy %a, %b : memref<16xi32> to memref<16xi32>
      aie.objectfifo.release @inn(Consume, 1)
      aie.objectfifo.release @out(Produce, 1)
      aie.end
    }
  }
}
