// Every class of latency: what a register holds a cycle before a result arrives, and then.
//
// A register gets an old value, an instruction writes it, and stores read it in the last
// cycle that sees the old value and in the first that sees the new one. The number behind
// an instruction is its latency; after a single cycle only the new value is stored.

        .set    STACK, 0x70000
        .set    INPUT, 128
        .set    OUTPUT, 2240

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
        mova    r17, #-1;       movx    r18, #1
        .align  16
.Lforever:
        acq     #49, r17
        acq     #50, r17
        jl      #latencies
        movxm   p0, #in_0
        movxm   p1, #out_0
        nop
        nop
        nop
        .align  16
        rel     #48, r18
        rel     #51, r18
        acq     #49, r17
        acq     #50, r17
        jl      #latencies
        movxm   p0, #in_1
        movxm   p1, #out_1
        nop
        nop
        nop
        .align  16
        rel     #48, r18
        rel     #51, r18
        j       #.Lforever
        nop
        nop
        nop
        nop
        nop
        .align  16
        .size   main, . - main

// latencies(p0: new values in 64 bytes, then old ones; p1: to)
        .globl  latencies
        .type   latencies, @function
latencies:
        lda     r2, [p0, #0]
        lda     r3, [p0, #4]
        mov     p2, p0
        movx    r16, #3
        movx    r27, #0
        movxm   p3, #vectors
        padda   [p2], #64
        vlda    wl1, [p0, #0]
        vlda    wh1, [p0, #32]
        vlda    wl2, [p2, #0]
        vlda    wh2, [p2, #32]
        vlda    wl4, [p3], #32          // int16
        vlda    wh4, [p3], #32
        vlda    wl5, [p3], #32          // bfloat16
        vlda    wh5, [p3], #32
        vlda    wl6, [p3], #32          // int8, all 1
        vlda    wh6, [p3], #32
        mov     s0, #0
        movxm   r10, #776               // products of int8, 4 x 8 by 8 x 8
        movx    r11, #60                // products of bfloat16, lane by lane
        movx    r12, #28                // sums of float32
        movx    r13, #4                 // bytes
        movx    r14, #5
        movx    r20, #0x55
        movx    r29, #2
        nop
        vbcst.16 x7, r27
        nop
        nop
        vmov    wl7, wl5                // bfloat16 below, 0 above
        vconv.fp32.bf16 bml3, wl5
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop

        lda     r1, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        add     r1, r2, r3              // 1
        st      r1, [p1], #4

        lda     r1, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        mul     r1, r2, r3              // 2
        st      r1, [p1], #4
        st      r1, [p1], #4

        lda     r1, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        mov.d1  r1, r2                  // 2
        st      r1, [p1], #4
        st      r1, [p1], #4

        lda     r1, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        mov.d2  r1, r2                  // 3
        nop
        st      r1, [p1], #4
        st      r1, [p1], #4

        lda     r1, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        mov.d3  r1, r2                  // 4
        nop
        nop
        st      r1, [p1], #4
        st      r1, [p1], #4

        lda     r1, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        mov.d4  r1, r2                  // 5
        nop
        nop
        nop
        st      r1, [p1], #4
        st      r1, [p1], #4

        lda     r1, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        mov.d5  r1, r2                  // 6
        nop
        nop
        nop
        nop
        st      r1, [p1], #4
        st      r1, [p1], #4

        lda     r1, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        mov.d6  r1, r2                  // 7
        nop
        nop
        nop
        nop
        nop
        st      r1, [p1], #4
        st      r1, [p1], #4

        lda     r1, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        lda     r1, [p0, #0]            // 7
        nop
        nop
        nop
        nop
        nop
        st      r1, [p1], #4
        st      r1, [p1], #4

        lda     r1, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        lda.s8  r1, [p0, #1]            // 7
        nop
        nop
        nop
        nop
        nop
        st      r1, [p1], #4
        st      r1, [p1], #4

        lda     r1, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        lda.u16 r1, [p0, #2]            // 7
        nop
        nop
        nop
        nop
        nop
        st      r1, [p1], #4
        st      r1, [p1], #4

        lda     r1, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        mov     r1, r2                  // 1
        st      r1, [p1], #4

        lda     r1, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        add.nc  r1, r2, #-5             // 1
        st      r1, [p1], #4

        lda     r1, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        abs     r1, r2                  // 1
        st      r1, [p1], #4

        lda     r1, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        extend.s8 r1, r2                // 1
        st      r1, [p1], #4

        lda     r1, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        mova    r1, #-77                // 1
        st      r1, [p1], #4

        lda     r1, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        movx    r1, #99                 // 1
        st      r1, [p1], #4

        lda     r1, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        movxm   r1, #0x12345678         // 1
        st      r1, [p1], #4

        lda     r1, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        sel.nez r1, r2, r3, r27         // 1
        st      r1, [p1], #4

        lda     r1, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vextract.s32 r1, x1, r16        // 2
        st      r1, [p1], #4
        st      r1, [p1], #4

        lda     r21, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vlt.s32 r21, x1, x2             // 2
        st      r21, [p1], #4
        st      r21, [p1], #4

        lda     r21, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        veqz.32 r21, x1                 // 2
        st      r21, [p1], #4
        st      r21, [p1], #4

        movx    r1, #0
        st      r1, [p1], #4
        st      r1, [p1], #4
        st      r1, [p1], #4
        st      r1, [p1], #4
        st      r1, [p1], #4

        movxm   p4, #vectors
        movxm   p5, #vectors + 64
        vups.s32.s16 bml2, wl4, s0

        vlda    wl0, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vadd.32 x0, x1, x2                    // 2
        vst     wl0, [p1], #32
        vst     wl0, [p1], #32

        vlda    wl0, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vsub.16 x0, x1, x2                    // 2
        vst     wl0, [p1], #32
        vst     wl0, [p1], #32

        vlda    wl0, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vband   x0, x1, x2                    // 2
        vst     wl0, [p1], #32
        vst     wl0, [p1], #32

        vlda    wl0, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vbor    x0, x1, x2                    // 2
        vst     wl0, [p1], #32
        vst     wl0, [p1], #32

        vlda    wl0, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vsel.32 x0, x1, x2, r20               // 2
        vst     wl0, [p1], #32
        vst     wl0, [p1], #32

        vlda    wl0, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vbcst.32 x0, r2                       // 2
        vst     wl0, [p1], #32
        vst     wl0, [p1], #32

        vlda    wl0, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vinsert.32 x0, x1, r29, r3            // 2
        vst     wl0, [p1], #32
        vst     wl0, [p1], #32

        vlda    wl0, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vextbcst.32 x0, x1, r14               // 2
        vst     wl0, [p1], #32
        vst     wl0, [p1], #32

        vlda    wl0, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vshift  x0, x1, x2, r13               // 2
        vst     wl0, [p1], #32
        vst     wl0, [p1], #32

        vlda    wl0, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vpush.lo.32 x0, r2, x1                // 2
        vst     wl0, [p1], #32
        vst     wl0, [p1], #32

        vlda    wl0, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vmov    x0, x1                        // 2
        vst     wl0, [p1], #32
        vst     wl0, [p1], #32

        vlda    wl0, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vmin_ge.s32 x0, r22, x1, x2           // 2
        vst     wl0, [p1], #32
        vst     wl0, [p1], #32

        vlda    wl0, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vmaxdiff_lt.s32 x0, r22, x1, x2       // 2
        vst     wl0, [p1], #32
        vst     wl0, [p1], #32

        vlda    wl0, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vlda    wl0, [p0, #0]                 // 7
        nop
        nop
        nop
        nop
        nop
        vst     wl0, [p1], #32
        vst     wl0, [p1], #32

        vlda    wl0, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vldb    wl0, [p0, #0]                 // 7
        nop
        nop
        nop
        nop
        nop
        vst     wl0, [p1], #32
        vst     wl0, [p1], #32

        vlda    wl0, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vunpack.s16.s8 x0, wl1                // 7
        nop
        nop
        nop
        nop
        nop
        vst     wl0, [p1], #32
        vst     wl0, [p1], #32

        vlda    wl0, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vpack.s8.s16 wl0, x4                  // 2
        vst     wl0, [p1], #32
        vst     wl0, [p1], #32

        vlda    wl0, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vsrs.s16.s32 wl0, bml2, s0            // 4
        nop
        nop
        vst     wl0, [p1], #32
        vst     wl0, [p1], #32

        vlda    wl0, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vconv.bf16.fp32 wl0, bml3             // 2
        vst     wl0, [p1], #32
        vst     wl0, [p1], #32

        vlda    amll0, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vups.s32.s16 bml0, wl4, s0            // 3
        nop
        vst     amll0, [p1], #32
        vst     amll0, [p1], #32

        vlda    amll0, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vlda.ups.s32.s16 bml0, s0, [p4], #0   // 9
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vst     amll0, [p1], #32
        vst     amll0, [p1], #32

        vlda    amll0, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vconv.fp32.bf16 bml0, wl5             // 2
        vst     amll0, [p1], #32
        vst     amll0, [p1], #32

        vlda    amll0, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vlda.conv.fp32.bf16 bml0, [p5], #0    // 7
        nop
        nop
        nop
        nop
        nop
        vst     amll0, [p1], #32
        vst     amll0, [p1], #32

        vlda    amll0, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vmul    cm0, x6, x6, r10              // 5
        nop
        nop
        nop
        vst     amll0, [p1], #32
        vst     amll0, [p1], #32

        vlda    amll0, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vmac    cm0, cm0, x6, x6, r10         // 5
        nop
        nop
        nop
        vst     amll0, [p1], #32
        vst     amll0, [p1], #32

        vlda    amll0, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vmov.d  cm0, cm3                      // 5
        nop
        nop
        nop
        vst     amll0, [p1], #32
        vst     amll0, [p1], #32

        vlda    amll0, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vclr    cm0                           // 5
        nop
        nop
        nop
        vst     amll0, [p1], #32
        vst     amll0, [p1], #32

        vlda    amll0, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vclr    bml0                          // 6
        nop
        nop
        nop
        nop
        vst     amll0, [p1], #32
        vst     amll0, [p1], #32

        vlda    amll0, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vadd.f  bml0, bml3, bml3, r12         // 6
        nop
        nop
        nop
        nop
        vst     amll0, [p1], #32
        vst     amll0, [p1], #32

        vlda    amll0, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vmul.f  bml0, x7, x7, r11             // 6
        nop
        nop
        nop
        nop
        vst     amll0, [p1], #32
        vst     amll0, [p1], #32

        vlda    amll0, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vmac.f  bml0, bml3, x7, x7, r11       // 6
        nop
        nop
        nop
        nop
        vst     amll0, [p1], #32
        vst     amll0, [p1], #32

        // Readers on the same bypass have a result a cycle earlier.
        vlda    wl0, [p2, #0]
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        nop
        vadd.32 x0, x1, x2
        vmov    x3, x0
        nop
        nop
        vst     wl3, [p1], #32
        vclr    cm0
        nop
        nop
        nop
        nop
        nop
        vmac    cm0, cm0, x6, x6, r10
        vmac    cm1, cm0, x6, x6, r10   // still 0 + 8
        vmac    cm2, cm0, x6, x6, r10   // 8 + 8
        nop
        nop
        nop
        nop
        nop
        nop
        vst     amll1, [p1], #32
        vst     amll2, [p1], #32
        nop
        ret     lr
        nop
        nop
        nop
        nop
        nop
        .align  16
        .size   latencies, . - latencies

        .rodata
        .align  32
        .globl  vectors
        .type   vectors, @object
vectors:
        .short  -100, -93, -86, -79, -72, -65, -58, -51
        .short  -44, -37, -30, -23, -16, -9, -2, 5
        .short  12, 19, 26, 33, 40, 47, 54, 61
        .short  68, 75, 82, 89, 96, 103, 110, 117
        .short  0xc110, 0xc104, 0xc0f0, 0xc0d8, 0xc0c0, 0xc0a8, 0xc090, 0xc070
        .short  0xc040, 0xc010, 0xbfc0, 0xbf40, 0, 0x3f40, 0x3fc0, 0x4010
        .short  0x4040, 0x4070, 0x4090, 0x40a8, 0x40c0, 0x40d8, 0x40f0, 0x4104
        .short  0x4110, 0x411c, 0x4128, 0x4134, 0x4140, 0x414c, 0x4158, 0x4164
        .byte   1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1
        .byte   1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1
        .byte   1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1
        .byte   1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1
        .size   vectors, . - vectors


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
