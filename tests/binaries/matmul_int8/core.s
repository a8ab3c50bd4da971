// Multiplies matrices of 16 x 16 int8 into one of int32, a product at a time.
//
// A zero-overhead loop for the sums inside of two counted loops.

        .set    STACK, 0x70000
        .set    INPUT, 512
        .set    OUTPUT, 1024

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
        .align  16
        .size   __start, . - __start

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
        jl      #matmul
        movxm   p0, #in_0
        movxm   p1, #out_0
        nop
        nop
        nop
        .align  16
        rel     #48, r16
        rel     #51, r16
        acq     #49, r17
        acq     #50, r17
        jl      #matmul
        movxm   p0, #in_1
        movxm   p1, #out_1
        nop
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
        .align  16
        .size   main, . - main

// matmul(p0: a and b, 16 x 16 int8 each, row-major; p1: c, 16 x 16 int32)
        .globl  matmul
        .type   matmul, @function
matmul:
        mov     p4, p0
        padda   [p4], #256              // b
        mov     m0, #16                 // from a row of b to the next
        mov     m1, #1
        movx    r6, #16
        movxm   ls, #.Lfirst
        movxm   le, #.Llast
        .align  16
.Lrow:
        mov     p5, p4
        movx    r7, #16
        .align  16
.Lcolumn:
        movx    lc, #16
        .align  16
        mov     p2, p0
        mov     p3, p5
        padda   [p5], m1;       movx    r5, #0
        .align  16
.Lfirst:
        lda.s8  r2, [p2], #1
        .align  16
        lda.s8  r3, [p3], m0
        nop
        .align  16
        nop
        nop
        .align  16
        nop
        nop
        .align  16
        nop
        mul     r4, r2, r3
        .align  16
        nop
        .align  16
.Llast:
        add     r5, r5, r4
        .align  16
        add     r7, r7, #-1
        jnz     r7, #.Lcolumn
        st      r5, [p1], #4
        nop
        nop
        nop
        nop
        add     r6, r6, #-1
        jnz     r6, #.Lrow
        padda   [p0], #16
        nop
        nop
        nop
        nop
        ret     lr
        nop
        nop
        nop
        nop
        nop
        .align  16
        .size   matmul, . - matmul


        .bss
        .globl  out_0
        .type   out_0, @object
        .globl  out_1
        .type   out_1, @object
        .globl  in_0
        .type   in_0, @object
        .globl  in_1
        .type   in_1, @object
out_0:  .space  OUTPUT
        .size   out_0, OUTPUT
out_1:  .space  OUTPUT
        .size   out_1, OUTPUT
in_0:   .space  INPUT
        .size   in_0, INPUT
in_1:   .space  INPUT
        .size   in_1, INPUT
