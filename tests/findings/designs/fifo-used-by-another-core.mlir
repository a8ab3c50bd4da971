// NPU107
// design.mlir:12: tile(0,3) is not at the Consume end of @in (cores at its ends: tile(0,2))
// The toolchain fails.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    %north = aie.tile(0, 3)
    aie.objectfifo @in(%shim, {%core}, 2 : i32) : !aie.objectfifo<memref<16xi32>>
    aie.objectfifo @out(%core, {%shim}, 2 : i32) : !aie.objectfifo<memref<16xi32>>
    aie.core(%north) {
      %a = aie.objectfifo.acquire @in(Consume, 1) : memref<16xi32>
      %b = aie.objectfifo.acquire @out(Produce, 1) : memref<16xi32>
      memref.copy %a, %b : memref<16xi32> to memref<16xi32>
      aie.objectfifo.release @in(Consume, 1)
      aie.objectfifo.release @out(Produce, 1)
      aie.end
    }
  }
}
