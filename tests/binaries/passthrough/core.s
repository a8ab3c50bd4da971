// Copies objects of 4096 bytes from the input to the output, eight words at a time.
//
// The objects lie in two buffers each. Locks as mlir-aie gives them, numbered as the core
// sees its own tile's: 48 and 49 count the input's free and filled buffers, 50 and 51 the
// output's.

        .set    STACK, 0x70000
        .set    BYTES, 4096

        .text
        .globl  __start
        .type   __start, @function
__start:
        jl      #main
        movxm   sp, #STACK
        nop
        nop
        nop
        nop
        .align  16
        done
        nop
        nop
        nop
        nop
        nop
        .size   __start, . - __start

        .align  16
        .globl  main
        .type   main, @function
main:
        paddb   [sp], #32
        st      lr, [sp, #-32]
        mova    r17, #-1;       movx    r16, #1
        .align  16
.Lforever:
        acq     #49, r17
        acq     #50, r17
        jl      #copy
        movxm   p0, #in_0
        movxm   p1, #out_0
        movxm   r0, #BYTES
        nop
        nop
        .align  16
        rel     #48, r16
        rel     #51, r16
        acq     #49, r17
        acq     #50, r17
        jl      #copy
        movxm   p0, #in_1
        movxm   p1, #out_1
        movxm   r0, #BYTES
        nop
        nop
        .align  16
        rel     #48, r16
        rel     #51, r16
        j       #.Lforever
        nop
        nop
        nop
        nop
        nop
        .size   main, . - main

// copy(p0: from, p1: to, r0: bytes, a multiple of 32)
        .align  16
        .globl  copy
        .type   copy, @function
copy:
        movx    r1, #-5
        lshl    r0, r0, r1              // a negative shift goes to the right
        add.nc  lc, r0, #0
        movxm   ls, #.Lfirst
        movxm   le, #.Llast
        .align  16
.Lfirst:
        lda     r1, [p0], #4
        lda     r2, [p0], #4
        .align  16
        lda     r3, [p0], #4
        lda     r4, [p0], #4
        .align  16
        lda     r5, [p0], #4
        lda     r6, [p0], #4
        .align  16
        lda     r7, [p0], #4            // r1 arrives: seven cycles after its load
        lda     r8, [p0], #4;   st      r1, [p1], #4
        .align  16
        st      r2, [p1], #4
        st      r3, [p1], #4
        .align  16
        st      r4, [p1], #4
        st      r5, [p1], #4
        .align  16
        st      r6, [p1], #4
        st      r7, [p1], #4
        .align  16
.Llast:
        st      r8, [p1], #4
        .align  16
        ret     lr
        nop
        nop
        nop
        nop
        nop
        .align  16
        .size   copy, . - copy

        .bss
        .globl  out_0
        .globl  out_1
        .globl  in_0
        .globl  in_1
        .type   out_0, @object
        .type   out_1, @object
        .type   in_0, @object
        .type   in_1, @object
out_0:  .space  BYTES
        .size   out_0, BYTES
out_1:  .space  BYTES
        .size   out_1, BYTES
in_0:   .space  BYTES
        .size   in_0, BYTES
in_1:   .space  BYTES
        .size   in_1, BYTES
