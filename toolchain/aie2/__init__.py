"""Target aie2: kernels and designs to what hardware runs, with the pinned mlir-aie and Peano."""
