"""Devices, xclbins and hardware contexts of the FAKE pyxrt."""

from __future__ import annotations

from typing import Any, NoReturn

from errors import LabError
from simulator.fake_xrt import package
from simulator.fake_xrt.board import Board, current
from simulator.fake_xrt.engines import Call, Engine, Loaded
from simulator.fake_xrt.enums import ContextMode, DeviceInfo

_INFO = {"bdf": "0000:c6:00.1", "name": "FAKE NPU Phoenix (simulated array)"}


class Uuid:
    """FAKE ``pyxrt.uuid``."""

    def __init__(self, arg0: str, /) -> None:
        self._text = arg0

    def to_string(self) -> str:
        return self._text


class XclbinKernel:
    """FAKE ``pyxrt.xclbin.xclbinkernel``."""

    def __init__(self) -> None:
        self._name, self._arguments = "", 0

    def get_name(self) -> str:
        return self._name

    def get_num_args(self) -> int:
        return self._arguments


class XclbinMemory:
    """FAKE ``pyxrt.xclbin.xclbinmem``."""

    def __init__(self) -> None:
        self._tag, self._index = "", 0

    def get_tag(self) -> str:
        return self._tag

    def get_index(self) -> int:
        return self._index

    def get_base_address(self) -> int:
        return 0x4000000

    def get_size_kb(self) -> int:
        return 65536 if self._tag == "HOST" else 49152

    def get_used(self) -> bool:
        return True


class XclbinIp:
    """FAKE ``pyxrt.xclbin.xclbinip``."""

    def __init__(self) -> None:
        self._name = ""

    def get_name(self) -> str:
        return self._name


class Xclbin:
    """FAKE ``pyxrt.xclbin``, of a real one or of a file that `package` wrote."""

    xclbinip = XclbinIp
    xclbinkernel = XclbinKernel
    xclbinmem = XclbinMemory

    def __init__(self, arg0: str | None = None, /) -> None:
        self._content = package.read(arg0, current().reader) if arg0 is not None else None

    def get_uuid(self) -> Uuid:
        return Uuid(self._loaded().uuid)

    def get_xsa_name(self) -> str:
        return ""

    def get_kernels(self) -> list[XclbinKernel]:
        kernels = []
        for name, arguments in self._loaded().kernels.items():
            kernel = XclbinKernel()
            kernel._name, kernel._arguments = name, arguments
            kernels.append(kernel)
        return kernels

    def get_mems(self) -> list[XclbinMemory]:
        memories = [XclbinMemory(), XclbinMemory()]
        for index, (memory, tag) in enumerate(zip(memories, ("HOST", "SRAM"), strict=True)):
            memory._index, memory._tag = index, tag
        return memories

    def get_axlf(self) -> NoReturn:
        raise NotImplementedError("the fake has no axlf")

    def _loaded(self) -> Loaded:
        if self._content is None:
            raise RuntimeError("xclbin is not loaded")
        return self._content


class Device:
    """FAKE ``pyxrt.device``."""

    def __init__(self, *args: int | str, **named: int | str) -> None:
        self._board: Board = current()
        self._registered: dict[str, Xclbin] = {}
        which = (*args, *named.values())
        if which and which[0] not in (*range(self._board.devices), _INFO["bdf"]):
            raise RuntimeError(f" No such device with index '{which[0]}'")

    def register_xclbin(self, xclbin: Xclbin) -> Uuid:
        uuid = xclbin.get_uuid()
        self._registered[uuid.to_string()] = xclbin
        return uuid

    def load_xclbin(self, *xclbin: Any, **named: Any) -> NoReturn:  # noqa: ARG002
        raise RuntimeError("load_axlf: Operation not supported")

    def get_xclbin_uuid(self) -> Uuid:
        return Uuid("00000000-0000-0000-0000-000000000000")

    def get_info(self, arg0: DeviceInfo, /) -> str:
        if arg0._label not in _INFO:
            raise RuntimeError(f"the fake has no {arg0._label}")
        return _INFO[arg0._label]


class HwContext:
    """FAKE ``pyxrt.hw_context``: holds one of the pool's contexts while anything refers to it."""

    access_mode = ContextMode
    exclusive = ContextMode(0)
    shared = ContextMode(1)

    def __init__(self, *args: Any, **named: Any) -> None:
        names = ("device", "uuid", "mode")
        given = dict(zip(names, args, strict=False)) | named
        if not given:
            return
        self._device: Device = given["device"]
        self._board = self._device._board
        self._xclbin = self._find(given.get("uuid", given.get("xclbin", given.get("xclbin_path"))))
        mode = given.get("mode")
        self._mode = mode if isinstance(mode, ContextMode) else ContextMode(1)
        self._engine: Engine | None = None
        self._wedged = False
        self._board.attach(self)

    def _find(self, what: Any) -> Xclbin:
        if isinstance(what, Uuid):
            if what.to_string() not in self._device._registered:
                raise RuntimeError("No xclbin with uuid '" + what.to_string() + "'")
            return self._device._registered[what.to_string()]
        if isinstance(what, str | Xclbin):
            xclbin = what if isinstance(what, Xclbin) else Xclbin(what)
            self._device.register_xclbin(xclbin)
            return xclbin
        raise NotImplementedError("the fake makes contexts of xclbins only")

    def add_config(self, elf: Any) -> NoReturn:
        raise NotImplementedError("the fake has no ELF flow")

    def get_device(self) -> Device:
        return self._device

    def get_xclbin(self) -> Xclbin:
        return self._xclbin

    def get_xclbin_uuid(self) -> Uuid:
        return self._xclbin.get_uuid()

    def get_mode(self) -> ContextMode:
        return self._mode

    @property
    def _content(self) -> Loaded:
        return self._xclbin._loaded()

    def _compute(self, call: Call) -> int | None:
        """Do a command on device memories in place; return its cycles, or None if it hangs.

        A context that hung stays so until it is made anew, as on the device.
        """
        if self._wedged:
            return None
        try:
            if self._engine is None:
                self._engine = self._content.engine()
            outcome = self._engine.run(call)
        except LabError as finding:
            self._board.findings.append(finding)
            self._wedged, self._engine = True, None
            return None
        self._board.findings += outcome.findings
        return outcome.cycles
