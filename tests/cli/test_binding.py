"""Which file goes to which argument."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from errors import UsageError
from kernels.contract import Arg, Role
from npulab.binding import bind_kernel, bind_sequence


def args(**roles: Role) -> tuple[Arg, ...]:
    return tuple(Arg(name, role, (4,), np.dtype(np.int8)) for name, role in roles.items())


KERNEL = args(x=Role.IN, w=Role.PARAM, z=Role.INOUT, y=Role.OUT)
DESIGN = args(arg0=Role.IN, arg1=Role.IN, arg2=Role.IN, arg3=Role.IN)


def paths(**names: str) -> dict[str, Path]:
    return {name: Path(path) for name, path in names.items()}


@pytest.mark.parametrize(
    ("given", "inputs"),
    [
        ([], {}),
        (["a"], {"x": "a"}),
        (["a", "b"], {"x": "a", "z": "b"}),
        (["a", "b", "c"], {"x": "a", "z": "b", "w": "c"}),
        (["w=a", "b"], {"w": "a", "x": "b"}),
        (["b", "x=a"], {"x": "a", "z": "b"}),
        (["1=a"], {"w": "a"}),
        (["dir/odd=name.npy"], {"x": "dir/odd=name.npy"}),
        (["x=odd=name.npy"], {"x": "odd=name.npy"}),
    ],
)
def test_inputs_of_a_kernel_go_by_name_then_to_inputs_then_to_params(
    given: list[str], inputs: dict[str, str]
) -> None:
    assert bind_kernel(KERNEL, given, []).inputs == paths(**inputs)


def test_outputs_of_a_kernel_go_in_order() -> None:
    assert bind_kernel(KERNEL, [], ["a", "b"]).outputs == paths(z="a", y="b")


@pytest.mark.parametrize(
    ("given", "wanted", "says"),
    [
        (["a", "b", "c", "d"], [], "--in d is one more"),
        ([], ["a", "b", "c"], "--out c is one more"),
        (["x=a", "x=b"], [], "--in binds argument x twice"),
        (["xx=a"], [], "there is no argument xx; did you mean x"),
        (["7=a"], [], "there is no argument 7"),
        (["y=a"], [], "the kernel's argument is out y"),
        ([], ["x=a"], "the kernel's argument is in x"),
    ],
)
def test_a_binding_that_cannot_be_is_refused(
    given: list[str], wanted: list[str], says: str
) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        bind_kernel(KERNEL, given, wanted)
    assert caught.value.code == "NPU406"


@pytest.mark.parametrize(
    ("given", "wanted", "roles"),
    [
        (["a", "b"], ["c"], "in:a in:b out:c scratch"),
        (["a"], ["c"], "in:a out:c scratch scratch"),
        (["a"], ["3=c"], "in:a scratch scratch out:c"),
        (["a", "b"], ["0=c"], "out:c in:a in:b scratch"),
        (["arg2=a", "b"], ["c"], "in:b out:c in:a scratch"),
        (["0=a"], ["0=c"], "inout:a:c scratch scratch scratch"),
        ([], [], "scratch scratch scratch scratch"),
    ],
)
def test_arguments_of_a_design_get_their_roles_from_the_files(
    given: list[str], wanted: list[str], roles: str
) -> None:
    binding = bind_sequence(DESIGN, given, wanted)
    described = []
    for arg in binding.args:
        files = [
            str(files[arg.name]) for files in (binding.inputs, binding.outputs) if arg.name in files
        ]
        described.append(":".join([arg.role.value, *files]) if files else "scratch")
        assert files or arg.role is Role.INOUT
    assert " ".join(described) == roles


def test_one_file_more_than_a_design_has_arguments_is_refused() -> None:
    with pytest.raises(UsageError, match="--out e is one more"):
        bind_sequence(DESIGN, ["a", "b", "c", "d"], ["e"])
