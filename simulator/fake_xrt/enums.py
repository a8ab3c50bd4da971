"""The enumerations of the FAKE pyxrt, with the values and habits of pybind11's."""

from __future__ import annotations

from typing import ClassVar, Self


class Enumeration:
    """A pybind11 enumeration: members on the class, `name`, `value`, made from an integer.

    Some compare equal to their integer, most do not; `compares_with_int` says which.
    """

    __members__: ClassVar[dict[str, Enumeration]]
    compares_with_int: ClassVar[bool] = False
    _canonical: ClassVar[dict[int, str]]
    _shown: ClassVar[str]

    def __init_subclass__(cls, shown: str = "", **members: int) -> None:
        cls._shown = shown
        cls.__members__, cls._canonical = {}, {}
        for name, value in members.items():
            cls._canonical.setdefault(value, name)
            cls.__members__[name] = cls(value)
            setattr(cls, name, cls.__members__[name])

    def __init__(self, value: int) -> None:
        self._value = int(value)

    @property
    def value(self) -> int:
        """The integer behind the member."""
        return self._value

    @property
    def name(self) -> str:
        """The member's name, ``???`` for a value that is no member."""
        return self._label

    @property
    def _label(self) -> str:
        # Apart from `name`, which a member of that name hides.
        return self._canonical.get(self._value, "???")

    def __int__(self) -> int:
        return self._value

    __index__ = __int__

    def __hash__(self) -> int:
        return hash(self._value)

    def __eq__(self, other: object) -> bool:
        if type(other) is type(self):
            return self._value == other._value
        return self.compares_with_int and self._value == other

    def __repr__(self) -> str:
        return f"<{self._shown}.{self._label}: {self._value}>"


class Flags(Enumeration):
    """An enumeration whose members combine by ``|`` and ``&``."""

    def __or__(self, other: Self) -> int:
        return self._value | int(other)

    def __and__(self, other: Self) -> int:
        return self._value & int(other)


class ErtCmdState(
    Enumeration,
    shown="ert_cmd_state",
    ERT_CMD_STATE_NEW=1,
    ERT_CMD_STATE_QUEUED=2,
    ERT_CMD_STATE_COMPLETED=4,
    ERT_CMD_STATE_ERROR=5,
    ERT_CMD_STATE_ABORT=6,
    ERT_CMD_STATE_SUBMITTED=7,
    ERT_CMD_STATE_TIMEOUT=8,
    ERT_CMD_STATE_NORESPONSE=9,
    ERT_CMD_STATE_SKERROR=10,
    ERT_CMD_STATE_SKCRASHED=11,
):
    """State of a command."""

    compares_with_int = True


class SyncDirection(
    Enumeration,
    shown="xclBOSyncDirection",
    XCL_BO_SYNC_BO_TO_DEVICE=0,
    XCL_BO_SYNC_BO_FROM_DEVICE=1,
    XCL_BO_SYNC_BO_GMIO_TO_AIE=2,
    XCL_BO_SYNC_BO_AIE_TO_GMIO=3,
):
    """Direction of a buffer's synchronisation."""

    compares_with_int = True


class BoFlags(
    Enumeration,
    shown="flags",
    normal=0,
    cacheable=1 << 24,
    device_only=1 << 28,
    host_only=1 << 29,
    p2p=1 << 30,
    svm=1 << 27,
):
    """Where a buffer lives."""


class ContextMode(Enumeration, shown="access_mode", exclusive=0, shared=1):
    """Whether a context shares its columns."""


class CuMode(Enumeration, shown="cu_access_mode", exclusive=0, shared=1, none=2):
    """How a compute unit is opened."""


class MessageLevel(
    Enumeration,
    shown="xrt_msg_level",
    emergency=0,
    alert=1,
    critical=2,
    error=3,
    warning=4,
    notice=5,
    info=6,
    debug=7,
):
    """Severity of a message."""


class DeviceInfo(
    Enumeration,
    shown="xrt_info_device",
    bdf=0,
    interface_uuid=1,
    kdma=2,
    max_clock_frequency_mhz=3,
    m2m=4,
    name=5,
    nodma=6,
    offline=7,
    electrical=8,
    thermal=9,
    mechanical=10,
    memory=11,
    platform=12,
    pcie_info=13,
    host=14,
    dynamic_regions=17,
    vmr=18,
):
    """What a device can be asked for."""


class ExtAccess(
    Flags,
    shown="access_mode",
    none=0,
    local=0,
    read=1,
    write=2,
    read_write=3,
    shared=4,
    process=8,
    hybrid=16,
):
    """How an extended buffer is shared."""
