"""The user's settings: ``config.toml`` in the user's configuration folder of npulab."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

from errors import LabError, UsageError, nearest

SETTING = "NPULAB_CONFIG"
KEYS = ("mirror",)


@dataclass(frozen=True, kw_only=True)
class Config:
    """What the file says.

    Attributes:
        path: Where it was read from, or would be.
        mirror: A folder of wheels; see `toolchain.fetch.mirror`.
    """

    path: Path
    mirror: Path | None = None


def load() -> Config:
    """Read the file that ``$NPULAB_CONFIG`` names, or the user's own, which need not be there.

    Raises:
        UsageError: NPU068, it cannot be read, or says what no such file says.
    """
    chosen = os.environ.get(SETTING)
    path = Path(chosen).expanduser().absolute() if chosen else _usual()
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        if chosen:
            raise _wrong(path, f"is not there, and {SETTING} names it") from error
        return Config(path=path)
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise _wrong(path, f"cannot be read: {why}") from error
    except tomllib.TOMLDecodeError as error:
        raise _wrong(path, f"is not TOML: {error}") from error
    for key in tables:
        if key not in KEYS:
            raise _wrong(path, f"has an unknown key {key}{nearest(key, list(KEYS))}")
    mirror = tables.get("mirror")
    if mirror is None:
        return Config(path=path)
    if not isinstance(mirror, str) or not mirror:
        raise _wrong(path, "gives mirror another value than the path of a folder")
    return Config(path=path, mirror=path.parent / Path(mirror).expanduser())


def _usual() -> Path:
    import platformdirs

    return Path(platformdirs.user_config_dir("npulab", appauthor=False)) / "config.toml"


def _wrong(path: Path, what: str) -> LabError:
    return UsageError(
        f"the settings file {path} {what}",
        cure=f"mend it (known keys: {', '.join(KEYS)}), or take it away and unset {SETTING}",
        code="NPU068",
    )
