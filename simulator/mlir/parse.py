"""Design text to xDSL operations, each of which knows its line."""

from __future__ import annotations

import gc
import re
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager

from xdsl.dialects.builtin import FileLineColLoc, IntAttr, ModuleOp, StringAttr
from xdsl.dialects.func import CallOp, ReturnOp
from xdsl.ir import Block, Operation, SSAValue, TypeAttribute
from xdsl.parser import Parser
from xdsl.parser.generic_parser import ParserState
from xdsl.traits import SymbolTable
from xdsl.utils.exceptions import DiagnosticException, ParseError, VerifyException
from xdsl.utils.lexer import Input
from xdsl.utils.mlir_lexer import MLIRTokenKind

from errors import UsageError, nearest
from simulator.mlir.dialects import context
from simulator.mlir.lexer import DesignLexer


def parse_design(text: str, source: str = "design.mlir") -> ModuleOp:
    """Parse a design in the aie dialect.

    Args:
        text: MLIR text; `builtin.module` around it may be left out.
        source: Name of the text in messages and locations.

    Raises:
        UsageError: NPU102 for text that is not MLIR, with the line and a caret under the
            place; NPU103 for an operation that does not exist, with the nearest that does.
    """
    return DesignParser(text, source).design()


def line_of(operation: Operation) -> int:
    """Return the 1-based line where an operation of a parsed design starts, 0 if unknown."""
    location = operation.location
    return location.line.data if isinstance(location, FileLineColLoc) else 0


_CLEARER = {
    " in block definition": "expected an operation, a block or `}`",
    "Could not parse entire input!": "expected an operation",
    "Expected suffix identifier after {first_char}": "expected a name after this character",
    "End of file reached before closing string literal.": "the string is not closed in its line",
}
"""What the lab says for some of xDSL's messages."""


_PLAIN_TYPE = re.compile(r"index\b(?![$.])|i32\b(?![$.])|memref<(?:[0-9]+x)*(?:i|ui|bf|f)[0-9]+>")
"""Types that mean the same wherever they stand."""


class DesignParser(Parser):
    """xDSL's parser, with a location on every operation and messages for designers."""

    def __init__(self, text: str, source: str) -> None:
        super().__init__(context(), "", source)
        self._text = text
        self._source = StringAttr(source)
        self._newlines = [match.start() for match in re.finditer("\n", text)]
        self._types: dict[str, TypeAttribute] = {}

    def design(self) -> ModuleOp:
        """Parse and verify the whole text.

        Raises:
            UsageError: NPU102, NPU103: see `parse_design`.
        """
        try:
            self._parser_state = ParserState(DesignLexer(Input(self._text, self._source.data)))
            with _uncollected():
                module = self.parse_module()
        except ParseError as error:
            raise self._explain(error) from None
        except (DiagnosticException, ValueError) as error:
            raise self._complain(str(error)) from None
        self._verify(module)
        return module

    def parse_operation(self) -> Operation:
        """Parse an operation and note where it starts."""
        start = self._current_token.span.start
        operation = super().parse_operation()
        line = bisect_right(self._newlines, start - 1) + 1
        column = start - (self._newlines[line - 2] if line > 1 else -1)
        operation.location = FileLineColLoc(self._source, IntAttr(line), IntAttr(column))
        return operation

    def parse_optional_type(self) -> TypeAttribute | None:
        """Parse a type, if there is one; a design spells few types, each many times."""
        start = self._current_token.span.start
        spelled = _PLAIN_TYPE.match(self._text, start)
        if spelled is None:
            return super().parse_optional_type()
        known = self._types.get(spelled[0])
        if known is None:
            known = super().parse_optional_type()
            if known is not None:
                self._types[spelled[0]] = known
        else:
            self._resume_from(spelled.end())
        return known

    def parse_dimension_list(self) -> list[int]:
        """Parse ``4x?x``; unlike xDSL's, this reads spaces around the last ``x`` as MLIR does."""
        dims: list[int] = []
        while self._current_token.kind in (MLIRTokenKind.INTEGER_LIT, MLIRTokenKind.QUESTION):
            dims.append(self.parse_shape_dimension())
            delimiter = self._current_token.span.start
            if self._parse_optional_shape_delimiter() is None:
                return dims
        if dims:
            self._resume_from(delimiter)
        return dims

    def parse_identifier(self, context_msg: str = "") -> str:
        """Parse a keyword, which MLIR lets a designer quote where it is an enumeration's."""
        quoted = self.parse_optional_str_literal()
        return quoted if quoted is not None else super().parse_identifier(context_msg)

    def _get_op_by_name(self, name: str) -> type[Operation]:
        known = self.ctx.get_optional_op(name, dialect_stack=self._parser_state.dialect_stack)
        if known is not None:
            return known
        span = self._current_token.span
        start = self._text.rfind(name, 0, span.start)
        raise self._error(
            start,
            f"there is no operation {name}"
            + nearest(name, [operation.name for operation in self.ctx.loaded_ops]),
            code="NPU103",
            cure="write an operation of the aie, aiex, arith, cf, func, math, memref, scf or "
            "vector dialect",
        )

    def _parse_block(self) -> Block:
        """Parse a block; xDSL's breaks down where two have one name."""
        token = self._current_token
        name = token.text[1:]
        if name in self.blocks and name not in self.forward_block_references:
            self.raise_error(f"block ^{name} is declared a second time", token.span)
        return super()._parse_block()

    def _verify(self, module: ModuleOp) -> None:
        """Compare every operation with its definition; values must come before their uses.

        What refers to symbols is left to those who look them up, and who know near names.

        Raises:
            UsageError: NPU102, an operation does not have what its definition asks for.
        """
        defined: set[SSAValue] = set()
        for operation in module.walk():
            for value in operation.operands:
                if value not in defined:
                    name = f"%{value.name_hint}" if value.name_hint else "an operand"
                    raise self._wrong(operation, f"{name} is used before it is defined")
            defined.update(operation.results)
            for region in operation.regions:
                for block in region.blocks:
                    defined.update(block.args)
            if isinstance(operation, ModuleOp) and len(operation.body.blocks) > 1:
                raise self._wrong(operation, "a module has one block, without a label")
            if operation.has_trait(SymbolTable) or isinstance(operation, CallOp | ReturnOp):
                continue
            try:
                operation.verify_()
            except VerifyException as error:
                raise self._wrong(operation, _lower(str(error))) from None

    def _wrong(self, operation: Operation, message: str) -> UsageError:
        """Return the error for an operation that was read, but cannot stand there."""
        location = operation.location
        line = column = 1
        if isinstance(location, FileLineColLoc):
            line, column = location.line.data, location.column.data
        return self._error(
            (self._newlines[line - 2] if line > 1 else -1) + column,
            f"{operation.name}: {message}",
            code="NPU102",
            cure="correct the operation; its documentation tells what it takes",
        )

    def _complain(self, message: str) -> UsageError:
        """Return the error for what xDSL finds wrong with an operation it has just read."""
        return self._error(
            self._current_token.span.start,
            _lower(message),
            code="NPU102",
            cure="correct the operation that ends here",
        )

    def _explain(self, error: ParseError) -> UsageError:
        """Turn xDSL's error into the lab's: file, line, the line's text and a caret."""
        position = error.span.start
        message = _CLEARER.get(error.msg, error.msg)
        undefined = re.search(r"values used but not defined: \[%([\w$.-]+)", message)
        if undefined:
            name = re.escape(undefined[1])
            use = re.search(rf"%{name}(?![\w$.-])", re.sub("//.*", _blank, self._text))
            position = use.start() if use else position
            message = f"%{undefined[1]} is used but not defined"
        return self._error(
            position,
            _lower(message),
            code="NPU102",
            cure="correct the line; the syntax is that of mlir-aie 1.4 or older",
        )

    def _error(self, position: int, message: str, *, code: str, cure: str) -> UsageError:
        line = bisect_right(self._newlines, position - 1) + 1
        start = self._newlines[line - 2] + 1 if line > 1 else 0
        content = self._text[start:].split("\n", 1)[0]
        column = position - start
        indent = re.sub(r"[^\t]", " ", content[:column])
        return UsageError(
            f"{self._source.data}:{line}: {message}",
            details=(content, f"{indent}^"),
            code=code,
            cure=cure,
        )


@contextmanager
def _uncollected() -> Iterator[None]:
    """Let the garbage collector rest: what a parser makes stays, and is much to look through."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _lower(message: str) -> str:
    """Write a message of xDSL as the lab writes its own: one line, small first letter."""
    message = " ".join(message.split())
    return message if message[1:2].isupper() else message[:1].lower() + message[1:]


def _blank(match: re.Match[str]) -> str:
    """Keep the length of a comment, so that positions stay right."""
    return " " * len(match[0])
