// NPU124
// design.mlir:7: buffer a of tile(0,2) starts at address 512, and the stack ends at 1024
// Calls of the core overwrite the buffer.
module {
  aie.device(npu1) {
    %core = aie.tile(0, 2)
    %a = aie.buffer(%core) {sym_name = "a", address = 512 : i32} : memref<8xi32>
    aie.core(%core) {
      %c = arith.constant 1 : index
      aie.end
    }
  }
}
