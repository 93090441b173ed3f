"""Tensors of the Open Inference Protocol and numpy arrays, read from JSON or from bytes and written as either."""

from __future__ import annotations

import math
import struct
from itertools import chain
from typing import Any, NamedTuple

from ..failures import BadInput
from .oip_shape import flatten, kind_of, shown

NUMPY_NAMES = {
    "BOOL": "bool",
    "UINT8": "uint8",
    "UINT16": "uint16",
    "UINT32": "uint32",
    "UINT64": "uint64",
    "INT8": "int8",
    "INT16": "int16",
    "INT32": "int32",
    "INT64": "int64",
    "FP16": "float16",
    "FP32": "float32",
    "FP64": "float64",
}
"""Element types that numpy has a type for; texts are BYTES, in arrays of objects."""

DATATYPES = {name: datatype for datatype, name in NUMPY_NAMES.items()}

BYTES = "BYTES"

LENGTH_BYTES = 4
"""Of the number before each text of a binary tensor that says how many bytes it has."""

_MAX_EXACT = 2**53 - 1
"""Up to which a number with a point is an integer beyond doubt."""

_TAKES = {"FP32": "numbers", "FP64": "numbers", "BOOL": "true and false", BYTES: "strings"}
_TYPES = {"FP32": {int, float}, "FP64": {int, float}, "BOOL": {bool}, BYTES: {str}}


class Tensor(NamedTuple):
    """A named tensor."""

    name: str
    datatype: str
    array: Any
    """numpy's; for BYTES of objects: str where they came as JSON, else bytes."""


def from_json(data: Any, datatype: str, shape: list[int], name: str) -> Any:  # noqa: ANN401 - numpy is not always there
    """Make the array of an input whose `data` are JSON, nested or flat (OIP-4, OIP-11).

    Raises:
        BadInput: they do not fit.
    """
    import numpy

    if datatype == "FP16":
        name = shown(name)[1:-1]
        raise BadInput(
            f"receiving FP16 data via JSON is not supported. Please use the binary data format for input {name}"
        )
    if type(data) is not list:
        raise BadInput(f"Unable to parse 'data' of input {shown(name)}: expected a list, got {kind_of(data)}")
    flat = flatten(data, shape, name)
    types = _TYPES.get(datatype)
    if types is None:
        return _integers(flat, datatype, name).reshape(shape)
    if not types.issuperset(map(type, flat)):
        raise _refusal(flat, next(i for i, value in enumerate(flat) if type(value) not in types), datatype, name)
    if datatype == BYTES:
        array = numpy.empty(len(flat), dtype=object)
        array[:] = flat
        return array.reshape(shape)
    if datatype == "BOOL":
        return numpy.array(flat, dtype=bool).reshape(shape)
    with numpy.errstate(over="ignore"):  # 1e39 is Infinity in FP32
        return _floats(flat).astype(NUMPY_NAMES[datatype]).reshape(shape)


def _integers(flat: list[Any], datatype: str, name: str) -> Any:  # noqa: ANN401
    import numpy

    dtype = numpy.dtype(NUMPY_NAMES[datatype])
    bounds = numpy.iinfo(dtype)
    kinds = set(map(type, flat))
    if kinds - {int}:
        for index, value in enumerate(flat):
            if not (type(value) is int or (type(value) is float and value.is_integer() and abs(value) <= _MAX_EXACT)):
                raise _refusal(flat, index, datatype, name)
        flat = [int(value) for value in flat]
    if flat and not bounds.min <= min(flat) <= max(flat) <= bounds.max:
        wrong = next(index for index, value in enumerate(flat) if not bounds.min <= value <= bounds.max)
        raise _refusal(flat, wrong, datatype, name)
    return numpy.array(flat, dtype=dtype)


def _refusal(flat: list[Any], index: int, datatype: str, name: str) -> BadInput:
    value = flat[index]
    is_integer = type(value) is int or (type(value) is float and value.is_integer())
    takes = _TAKES.get(datatype, "integers")
    if is_integer and takes == "integers":
        reason = f"the value at index {index} is out of range for {datatype}"
    else:
        got = "a number with a fraction" if type(value) is float and not is_integer else kind_of(value)
        reason = f"{datatype} takes {takes}, got {got} at index {index}"
    return BadInput(f"Unable to parse 'data' of input {shown(name)}: {reason}")


def _floats(values: list[Any]) -> Any:  # noqa: ANN401
    import numpy

    try:
        return numpy.array(values, dtype="float64")
    except OverflowError:  # an integer beyond all floats
        return numpy.array([_as_float(value) for value in values], dtype="float64")


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def from_bytes(part: memoryview, datatype: str, shape: list[int], name: str, model: str) -> Any:  # noqa: ANN401
    """Make the array of an input that came in binary (OIP-7).

    Raises:
        BadInput: its size is another than its shape says.
    """
    import numpy

    if datatype == BYTES:
        return _read_texts(part, math.prod(shape), f"for inference input {shown(name)} for model '{model}'").reshape(
            shape
        )
    dtype = numpy.dtype(NUMPY_NAMES[datatype])
    expected = math.prod(shape) * dtype.itemsize
    if len(part) != expected:
        where = f"for input {shown(name)} for model '{model}'"
        raise BadInput(f"input byte size mismatch {where}. Expected {expected}, got {len(part)}")
    if datatype == "BOOL":
        return (numpy.frombuffer(part, dtype="uint8") != 0).reshape(shape)
    # A copy: the next body will lie where this one does, and a model may write into what it gets, or keep it.
    return numpy.frombuffer(part, dtype=dtype.newbyteorder("<")).astype(dtype).reshape(shape)


def _read_texts(part: memoryview, count: int, where: str) -> Any:  # noqa: ANN401
    import numpy

    # No array is made for more texts than there can be.
    if count * LENGTH_BYTES > len(part):
        most = len(part) // LENGTH_BYTES
        raise BadInput(f"unexpected number of string elements {where}, expecting {count}, got at most {most}")
    texts = numpy.empty(count, dtype=object)
    at = 0
    for index in range(count):
        left = len(part) - at
        if left < LENGTH_BYTES:
            raise BadInput(
                f"incomplete string length indicator {where}, "
                f"expecting {LENGTH_BYTES} bytes but only {left} bytes available"
            )
        (length,) = struct.unpack_from("<I", part, at)
        start = at + LENGTH_BYTES
        if length > len(part) - start:
            raise BadInput(
                f"incomplete string data {where}, expecting string of length {length} "
                f"but only {len(part) - start} bytes available"
            )
        at = start + length
        texts[index] = bytes(part[start:at])
    if at < len(part):
        more = f"{len(part) - at} more bytes"
        raise BadInput(f"unexpected number of string elements {where}, expecting {count}, got {more}")
    return texts


def to_bytes(tensor: Tensor) -> bytes:
    """Write a tensor in binary."""
    if tensor.datatype == BYTES:
        texts = [encode(text) if isinstance(text, str) else text for text in tensor.array.ravel().tolist()]
        return b"".join(chain.from_iterable((struct.pack("<I", len(text)), text) for text in texts))
    array = tensor.array
    result: bytes = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    return result


def encode(text: str) -> bytes:
    """Write UTF-8; of a lone half of a surrogate pair, which JSON can bring, the replacement character becomes."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def to_json(tensor: Tensor) -> list[Any]:
    """Make what stands in `data`: flat, as Triton writes it (OIP-5).

    Raises:
        BadInput: JSON has no form for it.
    """
    name = shown(tensor.name)
    if tensor.datatype == "FP16":
        raise BadInput(
            f"sending FP16 data via JSON is not supported. Please use the binary data format for output {name[1:-1]}"
        )
    values: list[Any] = tensor.array.ravel().tolist()
    if tensor.datatype != BYTES:
        return values
    try:
        return [text if isinstance(text, str) else text.decode() for text in values]
    except UnicodeDecodeError:
        raise BadInput(
            f"output {name} has bytes that are not UTF-8, which JSON cannot hold. Please use the binary data format"
        ) from None
