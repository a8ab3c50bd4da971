"""The tokens of a design text: xDSL's lexer, quicker for the tokens that fill designs."""

from __future__ import annotations

import re
from typing import Final

from xdsl.utils.lexer import Span, Token
from xdsl.utils.mlir_lexer import MLIRLexer, MLIRToken, MLIRTokenKind

_KINDS: Final = {
    ":": MLIRTokenKind.COLON,
    ",": MLIRTokenKind.COMMA,
    "(": MLIRTokenKind.L_PAREN,
    ")": MLIRTokenKind.R_PAREN,
    "}": MLIRTokenKind.R_BRACE,
    "[": MLIRTokenKind.L_SQUARE,
    "]": MLIRTokenKind.R_SQUARE,
    "<": MLIRTokenKind.LESS,
    ">": MLIRTokenKind.GREATER,
    "=": MLIRTokenKind.EQUAL,
}

_COMMON = re.compile(
    r"(?:[ \n]++|//[^\n]*+\n)*+"
    r"(?:(?P<punctuation>[:,()}\[\]<>=])"
    r"|(?P<word>[a-zA-Z_][a-zA-Z0-9_$.]*+)"
    r"|(?P<value>%(?:[0-9]++|[a-zA-Z$._-][a-zA-Z0-9$._-]*+))"
    r"|(?P<number>[0-9]++(?![.x])))"
)
"""Blanks and comments, and a token whose kind its first character tells."""

_NAMED: Final = {
    "word": MLIRTokenKind.BARE_IDENT,
    "value": MLIRTokenKind.PERCENT_IDENT,
    "number": MLIRTokenKind.INTEGER_LIT,
}


class DesignLexer(MLIRLexer):
    """xDSL's lexer, with one regular expression for nearly all tokens of a design.

    What that does not match is left to xDSL's own rules, so that both read any text alike.
    """

    # xDSL's own takes for ever on a long string that is not closed.
    _unescaped_characters_regex = re.compile(r'"(?:[^"\\\n\v\f]++|\\(?:["nt\\]|[0-9A-Fa-f]{2}))*+"')

    def lex(self) -> MLIRToken:
        """Return the next token."""
        match = _COMMON.match(self.input.content, self.pos)
        if match is None:
            return super().lex()
        group = match.lastgroup
        start, self.pos = match.span(match.lastindex or 0)
        kind = _NAMED.get(group or "") or _KINDS[match[0][-1]]
        return Token(kind, Span(start, self.pos, self.input))
