"""The lexer of designs reads every text as xDSL's own does."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st
from xdsl.utils.exceptions import ParseError
from xdsl.utils.lexer import Input
from xdsl.utils.mlir_lexer import MLIRLexer, MLIRTokenKind

from simulator.mlir.lexer import DesignLexer

PIECES = [
    *':,()}{[]<>=+-*/?|.@#!^%"_$\\ \n\t\r\f',
    *["->", "...", "{-#", "#-}", "// a\n", "//", "%0", "%a-b", "%c.1", "^bb0", "@f", '"text"'],
    *["0", "17", "0x1F", "0xi32", "1.5e-3", "2.", "4x8xi32", "memref", "aie.tile", "é", "²"],
]


def tokens(lexer: type[MLIRLexer], text: str) -> list[tuple[object, int, int] | str]:
    """Return kind and place of every token, and the error at the end if there is one."""
    reader = lexer(Input(text, "design.mlir"))
    found: list[tuple[object, int, int] | str] = []
    while True:
        try:
            token = reader.lex()
        except ParseError as error:
            return [*found, str(error)]
        found.append((token.kind, token.span.start, token.span.end))
        if token.kind is MLIRTokenKind.EOF:
            return found


@given(st.lists(st.sampled_from(PIECES), max_size=20).map("".join))
@example("// nothing but a comment")
@example("%x = aie.buffer(%t) : memref<4x8xi32> // the last line")
def test_it_reads_as_xdsls_lexer(text: str) -> None:
    assert tokens(DesignLexer, text) == tokens(MLIRLexer, text)
