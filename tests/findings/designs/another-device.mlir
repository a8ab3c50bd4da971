// NPU101
// the design is for device 'npu2', and the simulated array is a Phoenix; did you mean npu1?
// The configuration does not fit a Phoenix.
module {
  aie.device(npu2) {
  }
}
