// NPU120
// design.mlir:7: buffers of tile(0,2) do not fit: 64 bytes, its memory has 65536
// The buffer's last words are in no memory, or in a neighbour's.
module {
  aie.device(npu1) {
    %core = aie.tile(0, 2)
    %box = aie.buffer(%core) {sym_name = "box", address = 65520 : i32} : memref<16xi32>
  }
}
