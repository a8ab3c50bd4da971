// NPU124
// design.mlir:8: buffer b of tile(0,2) starts at address 4124, and buffer a ends at 4128
// Writes to one buffer change the other.
module {
  aie.device(npu1) {
    %core = aie.tile(0, 2)
    %a = aie.buffer(%core) {sym_name = "a", address = 4096 : i32} : memref<8xi32>
    %b = aie.buffer(%core) {sym_name = "b", address = 4124 : i32} : memref<8xi32>
  }
}
