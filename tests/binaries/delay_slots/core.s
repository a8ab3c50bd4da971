// What compiled code relies on: old values until results arrive, and delay slots.
//
// The word that each part stores is numbered. An acquire stands in a delay slot of the
// call, as compilers put it: the core waits there.

        .set    STACK, 0x70000
        .set    INPUT, 64
        .set    OUTPUT, 88

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
        jl      #hazards
        acq     #50, r17
        movxm   p0, #in_0
        movxm   p1, #out_0
        nop
        nop
        .align  16
        rel     #48, r16
        rel     #51, r16
        acq     #49, r17
        jl      #hazards
        acq     #50, r17
        movxm   p0, #in_1
        movxm   p1, #out_1
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

// hazards(p0: from, p1: to)
        .globl  hazards
        .type   hazards, @function
hazards:
        paddb   [sp], #32
        st      lr, [sp, #-32]

        // 0, 1: a register keeps its old value until its load arrives
        movx    r1, #5
        lda     r1, [p0, #0]
        nop
        nop
        nop
        nop
        nop
        add     r2, r1, #0
        add     r3, r1, #0
        st      r2, [p1], #4
        st      r3, [p1], #4

        // 2: the five bundles behind a jump are executed
        movx    r4, #0
        j       #.Ljumped
        add     r4, r4, #1
        add     r4, r4, #1
        add     r4, r4, #1
        add     r4, r4, #1
        add     r4, r4, #1
        add     r4, r4, #63             // this one is not
        .align  16
.Ljumped:
        st      r4, [p1], #4

        // 3: and those behind a branch that is not taken, with what follows
        movx    r5, #1
        movx    r4, #0
        jz      r5, #.Lskipped
        add     r4, r4, #1
        add     r4, r4, #1
        add     r4, r4, #1
        add     r4, r4, #1
        add     r4, r4, #1
        add     r4, r4, #10
        .align  16
.Lskipped:
        st      r4, [p1], #4

        // 4, 5: a branch has read its condition before its delay slots change it
        movx    r5, #1
        movx    r4, #1
        jnz     r5, #.Ltaken
        movx    r5, #0
        nop
        nop
        nop
        nop
        movx    r4, #0
        .align  16
.Ltaken:
        st      r4, [p1], #4
        st      r5, [p1], #4

        // 6, 7: a load in the last delay slot arrives behind the branch
        movx    r6, #7
        j       #.Llate
        nop
        nop
        nop
        nop
        lda     r6, [p0, #4]
        .align  16
.Llate:
        st      r6, [p1], #4
        nop
        nop
        nop
        nop
        nop
        st      r6, [p1], #4

        // 8, 9: a product takes two cycles
        lda     r2, [p0, #0]
        lda     r3, [p0, #4]
        movx    r1, #1
        nop
        nop
        nop
        nop
        nop
        mul     r1, r2, r3
        st      r1, [p1], #4
        st      r1, [p1], #4

        // 10: a byte store samples its register six cycles after its issue
        movx    r1, #0
        st      r1, [p1, #0]
        movx    r1, #0x11
        nop
        nop
        nop
        nop
        st.s8   r1, [p1], #4
        nop
        nop
        nop
        nop
        movx    r1, #0x22
        movx    r1, #0x33
        nop
        nop
        nop
        nop
        nop
        nop

        // 11, 12: a delayed move
        movx    r1, #21
        movx    r2, #-9
        mov.d3  r2, r1
        nop
        nop
        st      r2, [p1], #4
        st      r2, [p1], #4

        // 13, 14: a call's link register changes with its fourth delay slot
        mov     lr, #16
        jl      #.Lcalled
        movxm   r4, #.Lcalled
        nop
        mov     r2, lr
        mov     r3, lr
        nop
        .align  16
.Lcalled:
        sub     r3, r3, r4
        st      r2, [p1], #4
        st      r3, [p1], #4

        // 15, 16: two loads of one register are under way at once
        lda     r1, [p0, #0]
        lda     r1, [p0, #4]
        nop
        nop
        nop
        nop
        nop
        st      r1, [p1], #4
        st      r1, [p1], #4

        // 17: a pointer has its new value in the next bundle
        mov     p3, p0
        lda     r1, [p3], #4
        lda     r2, [p3], #4
        nop
        nop
        nop
        nop
        nop
        nop
        st      r2, [p1], #4

        // 18, 19: a load sees the word that the bundle before it stored
        movxm   r1, #0x1234
        st      r1, [p1, #4]
        lda     r2, [p1, #4]
        nop
        nop
        nop
        nop
        nop
        nop
        st      r2, [p1], #8

        // 20, 21: but not the byte, which is written six cycles later than a word is
        movx    r1, #0
        st      r1, [p1, #0]
        st      r1, [p1, #4]
        movx    r1, #0x5a
        nop
        nop
        nop
        nop
        mov     p3, p1
        st.s8   r1, [p3, #3]
        lda.u8  r2, [p3, #3]
        nop
        nop
        nop
        nop
        nop
        lda.u8  r3, [p3, #3]
        nop
        nop
        nop
        nop
        nop
        nop
        st      r2, [p1], #4
        st      r3, [p1], #4

        lda     lr, [sp, #-32]
        nop
        nop
        nop
        nop
        nop
        nop
        ret     lr
        paddb   [sp], #-32
        nop
        nop
        nop
        nop
        .align  16
        .size   hazards, . - hazards


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
