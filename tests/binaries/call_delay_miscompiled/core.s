// Multiplies 64 words by a factor that lies in memory, in a function of its own.
//
// As a compiler that put the load of the argument r1 into the last delay slot of the call:
// the function reads r1 before the load delivers it, finds the 0 that was there, and all
// outputs are 0. Nothing else differs from call_delay.

        .set    STACK, 0x70000
        .set    INPUT, 256
        .set    OUTPUT, 256

        .text
        .globl  __start
        .type   __start, @function
__start:
        jl      #main
        movxm   sp, #STACK
        movx    r1, #0                  // no arguments, as crt1 says
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
        movxm   p2, #factor
        jl      #scale
        movxm   p0, #in_0
        movxm   p1, #out_0
        nop
        nop
        lda     r1, [p2, #0]
        .align  16
        rel     #48, r16
        rel     #51, r16
        acq     #49, r17
        acq     #50, r17
        movxm   p2, #factor
        jl      #scale
        movxm   p0, #in_1
        movxm   p1, #out_1
        nop
        nop
        lda     r1, [p2, #0]
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

// scale(p0: from, p1: to, r1: factor): 64 words; leaves 0 in r1
        .globl  scale
        .type   scale, @function
scale:
        mov     r5, r1
        movx    r6, #1
        nop
        nop
        nop
        nop
        nop
        movx    r1, #64
        .align  16
.Leach:
        lda     r2, [p0], #4
        nop
        nop
        nop
        nop
        nop
        add     r1, r1, #-1
        mul     r3, r2, r5
        jnz     r1, #.Leach
        st      r3, [p1], #4
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
        .size   scale, . - scale

        .data
        .align  4
        .globl  factor
        .type   factor, @object
factor: .word   3
        .size   factor, . - factor

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
