"""What XRT prints: its warnings come from C++ and reach Python only as text on stderr."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

_STDERR = 2


class Printed:
    """Text that was printed while it was watched."""

    text = ""


@contextmanager
def printed() -> Iterator[Printed]:
    """Collect what is written to file descriptor 2, by C++ too, and pass it on afterwards."""
    result = Printed()
    saved = os.dup(_STDERR)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), _STDERR)
        try:
            yield result
        finally:
            os.dup2(saved, _STDERR)
            os.close(saved)
            file.seek(0)
            content = file.read()
            result.text = content.decode(errors="replace")
            if content:
                os.write(_STDERR, content)
