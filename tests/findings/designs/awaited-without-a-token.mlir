// NPU109
// design.mlir:16: the task that is awaited issues no token
// The await never ends.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    aie.objectfifo @in(%shim, {%core}, 2 : i32) : !aie.objectfifo<memref<16xi32>>
    aie.objectfifo @out(%core, {%shim}, 2 : i32) : !aie.objectfifo<memref<16xi32>>
    aie.runtime_sequence(%y: memref<16xi32>) {
      %t = aiex.dma_configure_task_for @out {
        aie.dma_bd(%y : memref<16xi32>, 0, 16)
        aie.end
      }
      aiex.dma_start_task(%t)
      aiex.dma_await_task(%t)
    }
  }
}
