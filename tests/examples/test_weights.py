"""Reading weights: the published names and shapes, and files that are damaged or others'."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import UsageError
from examples.whisper_encoder import weights as module
from examples.whisper_encoder.weights import (
    POSITIONS,
    Weights,
    published_weights,
    random_weights,
    read_tensors,
)

NAMES = {np.float64: "F64", np.float32: "F32", np.float16: "F16", ml_dtypes.bfloat16: "BF16"}


def write(path: Path, tensors: dict[str, Any], change: Callable[[Any], Any] = lambda h: h) -> Path:
    """Write tensors as the format has them; `change` damages the header."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, tensor in tensors.items():
        kind = next(text for kind, text in NAMES.items() if tensor.dtype == kind)
        offsets = [len(data), len(data) + tensor.nbytes]
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": offsets}
        data += tensor.tobytes()
    text = json.dumps(change(header)).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def published(weights: Weights, root: str = "model.encoder.") -> dict[str, Any]:
    """Return weights under the names and in the layout of the published file, float32."""
    q, k, v = np.split(weights.qkv, 3, axis=1)
    q_bias, k_bias, v_bias = np.split(weights.qkv_bias, 3)
    assert not k_bias.any()
    block = {
        "self_attn.q_proj.weight": q.T,
        "self_attn.k_proj.weight": k.T,
        "self_attn.v_proj.weight": v.T,
        "self_attn.q_proj.bias": q_bias,
        "self_attn.v_proj.bias": v_bias,
        "self_attn.out_proj.weight": weights.out.T,
        "self_attn.out_proj.bias": weights.out_bias,
        "self_attn_layer_norm.weight": weights.norms[0],
        "self_attn_layer_norm.bias": weights.norms[1],
        "final_layer_norm.weight": weights.norms[2],
        "final_layer_norm.bias": weights.norms[3],
        "fc1.weight": weights.up.T,
        "fc1.bias": weights.up_bias,
        "fc2.weight": weights.down.T,
        "fc2.bias": weights.down_bias,
    }
    whole = {
        "conv1.weight": weights.conv1,
        "conv1.bias": weights.conv1_bias,
        "conv2.weight": weights.conv2,
        "conv2.bias": weights.conv2_bias,
        "embed_positions.weight": weights.positions,
        **{f"layers.0.{name}": tensor for name, tensor in block.items()},
    }
    return {root + name: tensor.astype(np.float32) for name, tensor in whole.items()}


@pytest.fixture(scope="module")
def weights() -> Weights:
    return random_weights()


@pytest.mark.parametrize("root", ["model.encoder.", "encoder."])
def test_a_published_file_gives_its_weights(weights: Weights, tmp_path: Path, root: str) -> None:
    found = published_weights(write(tmp_path / "model.safetensors", published(weights, root)))
    for field in fields(Weights):
        given, read = getattr(weights, field.name), getattr(found, field.name)
        if field.name == "source":
            assert read == str(tmp_path / "model.safetensors")
        else:
            for one, other in zip(np.atleast_1d(given), np.atleast_1d(read), strict=True):
                np.testing.assert_array_equal(np.float32(one), other)


def test_every_floating_type_is_read(tmp_path: Path) -> None:
    values = np.array([[1.5, -2.0], [0.25, 3.0]])
    tensors = {name: values.astype(kind) for kind, name in NAMES.items()}
    found = read_tensors(write(tmp_path / "w", tensors))
    assert set(found) == set(NAMES.values())
    for tensor in found.values():
        assert tensor.dtype == np.float64
        np.testing.assert_array_equal(tensor, values)


def test_random_weights_are_fixed(weights: Weights) -> None:
    again = random_weights()
    np.testing.assert_array_equal(weights.up, again.up)
    assert not np.array_equal(weights.up, random_weights(1).up)
    assert weights.positions.shape == (POSITIONS, 512)


def entry(change: dict[str, Any]) -> Callable[[Any], Any]:
    return lambda header: header | {"a": header["a"] | change}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            entry({"shape": [3]}),
            "keeps the tensor a in bytes 0 to 16 of 16, and its shape needs 12",
        ),
        (entry({"data_offsets": [0, 400]}), "keeps the tensor a in bytes 0 to 400 of 16"),
        (entry({"data_offsets": [16, 0]}), "keeps the tensor a in bytes 16 to 0 of 16"),
        (entry({"data_offsets": [-16, 0]}), "has no valid shape or place of the tensor a"),
        (entry({"shape": [True, 4]}), "has no valid shape or place of the tensor a"),
        (entry({"shape": "4"}), "has no valid shape or place of the tensor a"),
        # What numpy has no array of, though the bytes agree.
        (entry({"shape": [1] * 99 + [4]}), "has the tensor a of a shape that no file of its size"),
        (
            entry({"shape": [0, 10**30], "data_offsets": [0, 0]}),
            "has the tensor a of a shape that no file of its size",
        ),
        (lambda header: header | {"a": 1}, "says nothing of the tensor a"),
        (lambda _: [1], "has a header that names no tensors"),
    ],
)
def test_damaged_headers_are_refused(
    tmp_path: Path, change: Callable[[Any], Any], message: str
) -> None:
    path = write(tmp_path / "w", {"a": np.zeros(4, np.float32)}, change)
    with pytest.raises(UsageError) as refused:
        read_tensors(path)
    assert refused.value.code == "NPU404"
    assert f"{path} {message}" in str(refused.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"abc", "has 3 bytes, fewer than the length of its header"),
        (b"\xff" * 8, "has a header of 18,446,744,073,709,551,615 bytes, more than it holds"),
        (b"\x03" + bytes(7) + b"{{{", "has a header that is no JSON"),
        (b"\x04" + bytes(7) + b"\xff\xfe{}", "has a header that is no JSON"),
    ],
)
def test_files_of_another_kind_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "w"
    path.write_bytes(content)
    with pytest.raises(UsageError) as refused:
        read_tensors(path)
    assert message in str(refused.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_tensors(tmp_path / "none")


def test_tensors_of_another_model_are_refused(weights: Weights, tmp_path: Path) -> None:
    tensors = published(weights)
    name = "model.encoder.conv1.weight"
    smaller = tensors | {name: tensors[name][:384]}
    with pytest.raises(UsageError) as refused:
        published_weights(write(tmp_path / "tiny", smaller))
    assert f"has {name} of (384, 80, 3), not of (512, 80, 3)" in str(refused.value)
    del smaller[name]
    with pytest.raises(UsageError, match=f"has no tensor {name}"):
        published_weights(write(tmp_path / "none", smaller))
    spoilt = tensors | {name: np.full_like(tensors[name], np.nan)}
    with pytest.raises(UsageError, match="not finite"):
        published_weights(write(tmp_path / "nan", spoilt))


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=80), length=st.integers(0, 90))
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, length: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(length.to_bytes(8, "little") + content)
    try:
        read_tensors(path)
    except UsageError as error:
        assert error.code == "NPU404"  # noqa: PT017 - both ends are right


@settings(max_examples=200, deadline=None)
@given(shape=st.lists(st.integers(0, 10**40), max_size=80), length=st.integers(0, 4))
def test_any_shape_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, shape: list[int], length: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "shape"
    change = entry({"shape": shape, "data_offsets": [0, 4 * length]})
    write(path, {"a": np.zeros(4, np.float32)}, change)
    try:
        found = read_tensors(path)["a"]
    except UsageError as error:
        assert error.code == "NPU404"  # noqa: PT017 - both ends are right
    else:
        assert found.shape == tuple(shape)


def test_an_implausible_header_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "w", {"a": np.zeros(4, np.float32)})
    monkeypatch.setattr(module, "MOST_HEADER", 8)
    with pytest.raises(UsageError, match="more than it holds"):
        read_tensors(path)
