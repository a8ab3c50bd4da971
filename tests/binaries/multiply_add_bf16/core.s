// a * b + c of 256 bfloat16 values each, 16 lanes at a time.
//
// c is converted to float32 as it is loaded, the result to bfloat16 as it is stored.

        .set    STACK, 0x70000
        .set    INPUT, 1536
        .set    OUTPUT, 512

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
        jl      #multiply_add
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
        jl      #multiply_add
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

// multiply_add(p0: a, b and c, 256 bfloat16 each; p1: a * b + c)
        .globl  multiply_add
        .type   multiply_add, @function
multiply_add:
        mov     p2, p0
        mov     p3, p0
        mov     p4, p0
        padda   [p3], #512
        padda   [p4], #1024
        movx    r3, #0
        vbcst.16 x2, r3                 // the halves that no load fills must be 0
        vbcst.16 x4, r3
        movx    r4, #12                 // round to nearest, ties to even
        movx    crRnd, r4
        movx    r10, #60                // products of bfloat16, lane by lane
        movx    lc, #16
        movxm   ls, #.Lfirst
        movxm   le, #.Llast
        .align  16
.Lfirst:
        vlda    wl2, [p2], #32
        vlda    wl4, [p3], #32
        .align  16
        vlda.conv.fp32.bf16 bml0, [p4], #32
        nop
        .align  16
        nop
        nop
        .align  16
        nop
        nop
        .align  16
        vmac.f  bml0, bml0, x2, x4, r10 // reads bml0 in stage 3
        nop
        .align  16
        nop
        nop
        .align  16
        nop
        nop
        .align  16
.Llast:
        vst.conv.bf16.fp32 bml0, [p1], #32
        .align  16
        nop
        ret     lr
        nop
        nop
        nop
        nop
        nop
        .align  16
        .size   multiply_add, . - multiply_add


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
