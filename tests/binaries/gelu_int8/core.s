// GELU of 512 int8 values by a table of 256 entries, an element at a time.
//
// A byte store reads its word in stage 5, samples its register in stage 7 and writes in
// stage 11: the store is issued right behind the load of its value, as compilers do.

        .set    STACK, 0x70000
        .set    INPUT, 512
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
        jl      #gelu
        movxm   p0, #in_0
        movxm   p1, #out_0
        movxm   r0, #INPUT
        nop
        nop
        .align  16
        rel     #48, r16
        rel     #51, r16
        acq     #49, r17
        acq     #50, r17
        jl      #gelu
        movxm   p0, #in_1
        movxm   p1, #out_1
        movxm   r0, #INPUT
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

// gelu(p0: from, p1: to, r0: how many)
        .globl  gelu
        .type   gelu, @function
gelu:
        add.nc  lc, r0, #0
        movxm   p2, #gelu_table
        movxm   ls, #.Lfirst
        movxm   le, #.Llast
        .align  16
.Lfirst:
        lda.u8  r2, [p0], #1
        .align  16
        nop
        nop
        .align  16
        nop
        nop
        .align  16
        nop
        nop
        .align  16
        mov     dj0, r2
        lda.s8  r3, [p2, dj0]
        .align  16
        st.s8   r3, [p1], #1            // samples r3 in stage 7, where the load delivers it
        nop
        .align  16
        nop
        nop
        .align  16
.Llast:
        nop
        .align  16
        nop                             // the last store writes in stage 11
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
        .size   gelu, . - gelu

        .rodata
        .align  32
        .globl  gelu_table
        .type   gelu_table, @object
gelu_table:                             // of the byte: GELU in steps of 1/32
        .byte   0, 1, 1, 2, 2, 3, 3, 4, 5, 5, 6, 7, 8, 9, 9, 10
        .byte   11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26
        .byte   27, 28, 29, 30, 31, 32, 34, 35, 36, 37, 38, 39, 40, 41, 43, 44
        .byte   45, 46, 47, 48, 49, 50, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61
        .byte   63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78
        .byte   80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95
        .byte   96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111
        .byte   112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127
        .byte   0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
        .byte   0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
        .byte   0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
        .byte   0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1
        .byte   -1, -2, -2, -2, -2, -2, -2, -2, -2, -2, -2, -3, -3, -3, -3, -3
        .byte   -3, -3, -3, -4, -4, -4, -4, -4, -4, -4, -4, -5, -5, -5, -5, -5
        .byte   -5, -5, -5, -5, -5, -5, -5, -5, -5, -5, -5, -5, -5, -5, -5, -5
        .byte   -5, -5, -5, -4, -4, -4, -4, -4, -3, -3, -3, -2, -2, -1, -1, 0
        .size   gelu_table, . - gelu_table

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
