// NPU106
// design.mlir:10: the core of tile(0,2) does not reach lock far_lock of tile(1,4)
// The core has no address for that lock.
module {
  aie.device(npu1) {
    %core = aie.tile(0, 2)
    %far = aie.tile(1, 4)
    %lock = aie.lock(%far, 7) {sym_name = "far_lock"}
    aie.core(%core) {
      aie.use_lock(%lock, Release, 1)
      aie.end
    }
  }
}
