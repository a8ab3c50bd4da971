"""What instructions compute, as C: by mnemonic, a statement for :mod:`.wording`.

In a statement ``{o0}`` stands for the first thing written (a variable, or a vector's
bytes), ``{n0}`` for the bytes of that vector, ``{a0}`` for the first operand read and
``{m0}`` for its bytes. A statement that starts with ``?`` is an expression that is 0 where
the interpreter has to compute, or to refuse, after all. The functions are in ``machine.h``,
``vector.h`` and ``products.h``.
"""

from __future__ import annotations

from simulator.aie2.execution.products import FIRST, PRODUCTS, SECOND
from simulator.aie2.execution.scalar import MOVES

STATEMENTS: dict[str, str] = {
    "add.nc": "{o0} = {a0} + {a1};",
    "mul": "{o0} = {a0} * {a1};",
    "and": "{o0} = {a0} & {a1};",
    "or": "{o0} = {a0} | {a1};",
    "xor": "{o0} = {a0} ^ {a1};",
    "eq": "{o0} = {a0} == {a1};",
    "ne": "{o0} = {a0} != {a1};",
    "lt": "{o0} = (int32_t){a0} < (int32_t){a1};",
    "ge": "{o0} = (int32_t){a0} >= (int32_t){a1};",
    "ltu": "{o0} = {a0} < {a1};",
    "geu": "{o0} = {a0} >= {a1};",
    "eqz": "{o0} = {a0} == 0;",
    "nez": "{o0} = {a0} != 0;",
    "clz": "{o0} = clz({a0});",
    "clb": "{o0} = clb({a0});",
    "extend.s8": "{o0} = (u32)(int8_t){a0};",
    "extend.u8": "{o0} = (u8){a0};",
    "extend.s16": "{o0} = (u32)(int16_t){a0};",
    "extend.u16": "{o0} = (uint16_t){a0};",
    "sel.eqz": "{o0} = {a2} ? {a1} : {a0};",
    "sel.nez": "{o0} = {a2} ? {a0} : {a1};",
    "add": "{o0} = adds({a0}, {a1}, 0, &{o1});",
    "adc": "{o0} = adds({a0}, {a1}, {a2}, &{o1});",
    "sub": "{o0} = subtracts({a0}, {a1}, 0, &{o1});",
    "sbc": "{o0} = subtracts({a0}, {a1}, 1 - {a2}, &{o1});",
    "abs": "{o0} = {a0} >> 31 ? -{a0} : {a0}; {o1} = {a0} >> 31;",
    "lshl": "{o0} = lshl({a0}, {a1});",
    "ashl": "{o0} = ashl({a0}, {a1});",
    "divs": "{o0} = divides({a0}, {a1}, {a2}, &{o1});",
    "vband": "vband({o0}, {a0}, {a1}, {n0});",
    "vbor": "vbor({o0}, {a0}, {a1}, {n0});",
    "vshift": "vshift({o0}, {a0}, {a1}, {a2}, {n0});",
    "vshuffle": "vshuffle({o0}, {a0}, {a1}, route({a2}));",
    "vclr": "memset({o0}, 0, {n0});",
    "vconv.bf16.fp32": "narrow_float32({o0}, {a0}, {a1}, {m0});",
    "vst.conv.bf16.fp32": "narrow_float32({o0}, {a0}, {a1}, {m0});",
    "vconv.fp32.bf16": "widen_bfloat16({o0}, {a0}, {m0});",
    "vlda.conv.fp32.bf16": "widen_bfloat16({o0}, {a0}, {m0});",
}
MOVED = frozenset((*MOVES, "vmov", "vmov.d"))
"""What writes what it reads."""


def _vectors(bits: int) -> None:
    lane = f"uint{bits}_t"
    STATEMENTS.update(
        {
            f"vadd.{bits}": f"vadd<{lane}>({{o0}}, {{a0}}, {{a1}}, {{n0}});",
            f"vsub.{bits}": f"vsub<{lane}>({{o0}}, {{a0}}, {{a1}}, {{n0}});",
            f"vsel.{bits}": f"vsel<{lane}>({{o0}}, {{a0}}, {{a1}}, {{a2}}, {{n0}});",
            f"vaddsub.{bits}": f"vaddsub<{lane}>({{o0}}, {{a0}}, {{a1}}, {{a2}}, {{n0}});",
            f"veqz.{bits}": f"{{o0}} = veqz<{lane}>({{a0}}, {{m0}});",
            f"vneg_gtz{bits}": f"{{o1}} = vneg_gtz<{lane}>({{o0}}, {{a0}}, {{a1}}, {{n0}});",
            f"vbneg_ltz.s{bits}": f"{{o1}} = vbneg_ltz<{lane}>({{o0}}, {{a0}}, {{n0}});",
        }
    )
    for letter in "ds":
        sign = 1 if letter == "s" else "{a2}"
        for name, pair, compare in (
            ("vmaxdiff_lt", "MAXDIFF", 0),
            ("vsub_lt", "MINUS", 0),
            ("vsub_ge", "MINUS", 1),
            ("vmin_ge", "LEAST", 1),
            ("vmax_lt", "LARGEST", 0),
        ):
            function = f"paired<{lane}, {pair}, {compare}>"
            STATEMENTS[f"{name}.{letter}{bits}"] = (
                f"{{o1}} = {function}({{o0}}, {{a0}}, {{a1}}, {sign}, {{n0}});"
            )
        for name, compare in (("vlt", 0), ("vge", 1)):
            STATEMENTS[f"{name}.{letter}{bits}"] = (
                f"{{o0}} = compared<{lane}, {compare}>({{a0}}, {{a1}}, {sign}, {{m0}});"
            )
        sign = 1 if letter == "s" else "{a1}"
        STATEMENTS[f"vabs_gtz.{letter}{bits}"] = (
            f"{{o1}} = vabs_gtz<{lane}>({{o0}}, {{a0}}, {sign}, {{n0}});"
        )


def _elements(bits: int) -> None:
    lane = f"uint{bits}_t"
    STATEMENTS.update(
        {
            f"vbcst.{bits}": f"vbcst<{lane}>({{o0}}, {{a0}}, {{n0}});",
            f"vbcstshfl.{bits}": f"vbcst<{lane}>(s->values, {{a0}}, 64); "
            "vshuffle({o0}, s->values, s->values, route({a1}));",
            f"vextbcst.{bits}": f"vbcst<{lane}>({{o0}}, element<{lane}>({{a0}}, {{a1}}), {{n0}});",
            f"vinsert.{bits}": f"vinsert<{lane}>({{o0}}, {{a0}}, {{a1}}, {{a2}}, {{n0}});",
            f"vpush.hi.{bits}": f"vpush_hi<{lane}>({{o0}}, {{a0}}, {{a1}}, {{n0}});",
            f"vpush.lo.{bits}": f"vpush_lo<{lane}>({{o0}}, {{a0}}, {{a1}}, {{n0}});",
            f"vextract.s{bits}": f"{{o0}} = vextract<{lane}>({{a0}}, {{a1}}, 1);",
            f"vextract.d{bits}": f"{{o0}} = vextract<{lane}>({{a0}}, {{a1}}, {{a2}});",
        }
    )


def _widths() -> None:
    for wide, narrow in ((32, 8), (32, 16), (64, 16), (64, 32)):
        types = f"uint{wide}_t, uint{narrow}_t"
        for letter in "ds":
            signs = ("1", "1") if letter == "s" else ("{a3}", "{a4}")
            up = f"ups<{types}>({{o0}}, {{a0}}, {{a1}}, {{a2}}, {signs[0]}, {{m0}});"
            down = f"srs<{types}>({{o0}}, {{a0}}, {{a1}}, {{a2}}, {{a3}}, {signs[1]}, {{m0}});"
            for name in ("vups", "vlda.ups"):
                STATEMENTS[f"{name}.s{wide}.{letter}{narrow}"] = up
            for name in ("vsrs", "vsrsm", "vst.srs"):
                STATEMENTS[f"{name}.{letter}{narrow}.s{wide}"] = down
    for letter in "ds":
        signs = ("1", "1") if letter == "s" else ("{a2}", "{a1}")
        for name in ("vpack", "vst.pack"):
            STATEMENTS[f"{name}.{letter}8.{letter}16"] = (
                f"pack({{o0}}, {{a0}}, {{a1}}, {signs[0]}, {{m0}});"
            )
        for name in ("vunpack", "vldb.unpack"):
            STATEMENTS[f"{name}.{letter}16.{letter}8"] = (
                f"unpack({{o0}}, {{a0}}, {signs[1]}, {{m0}});"
            )


def _products() -> None:
    for name, flips, count in (
        ("vmul", 0, 0),
        ("vnegmul", PRODUCTS, 0),
        ("vmac", 0, 1),
        ("vmsc", PRODUCTS, 1),
        ("vnegmac", PRODUCTS | FIRST, 1),
        ("vnegmsc", FIRST, 1),
        ("vaddmac", 0, 2),
        ("vaddmsc", PRODUCTS, 2),
        ("vsubmac", SECOND, 2),
        ("vsubmsc", PRODUCTS | SECOND, 2),
    ):
        added = [f"{{a{n}}}" for n in range(count)] + ["0"] * (2 - count)
        rest = f"{', '.join(added)}, {{a{count}}}, {{m{count}}}, {{a{count + 1}}}, {{m{count + 1}}}"
        word = f"{{a{count + 2}}} ^ {flips << 11}"
        STATEMENTS[name] = f"?multiply_add({{o0}}, {rest}, {word})"
        if name in ("vmul", "vnegmul", "vmac", "vmsc", "vaddmac", "vaddmsc"):
            STATEMENTS[f"{name}.f"] = f"?multiply_add_f({{o0}}, {rest}, {word})"
    for name, flips in (
        ("vadd", 0),
        ("vsub", SECOND),
        ("vnegadd", FIRST | SECOND),
        ("vnegsub", FIRST),
    ):
        call = f"({{o0}}, {{a0}}, {{a1}}, {{a2}} ^ {flips << 11});"
        STATEMENTS[name] = f"add_accumulators{call}"
        STATEMENTS[f"{name}.f"] = f"add_accumulators_f{call}"
    STATEMENTS["vneg"] = f"add_accumulators({{o0}}, {{a0}}, 0, {{a1}} ^ {FIRST << 11});"
    STATEMENTS["vneg.f"] = f"add_accumulators_f({{o0}}, {{a0}}, 0, {{a1}} ^ {FIRST << 11});"


for _bits in (8, 16, 32):
    _vectors(_bits)
for _bits in (8, 16, 32, 64):
    _elements(_bits)
_widths()
_products()
