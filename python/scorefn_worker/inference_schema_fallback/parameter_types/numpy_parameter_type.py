"""Parameters that are numpy arrays (contract IS-11, IS-22). Needs numpy."""

from __future__ import annotations

import base64
import datetime
from typing import Any

import numpy as np

from .abstract_parameter_type import AbstractParameterType

_UNIT_CODES = {
    "years": "Y",
    "months": "M",
    "weeks": "W",
    "days": "D",
    "hours": "h",
    "minutes": "m",
    "seconds": "s",
    "milliseconds": "ms",
    "microseconds": "us",
    "nanoseconds": "ns",
    "picoseconds": "ps",
    "femtoseconds": "fs",
    "attoseconds": "as",
}

_ITEM_SCHEMAS = {
    "float16": {"type": "number", "format": "float"},
    "float32": {"type": "number", "format": "float"},
    "float64": {"type": "number", "format": "double"},
    "bool": {"type": "boolean"},
}
"""By the name of the dtype; the names of integers are their formats."""

_KIND_SCHEMAS = {
    "U": {"type": "string"},
    "S": {"type": "string", "format": "binary"},
    "V": {"type": "string", "format": "binary"},
    "M": {"type": "string", "format": "date-time"},
    "m": {"type": "string", "format": "timedelta"},
    "O": {"type": "object"},
}
"""By numpy's letter for the kind of a dtype."""


class NumpyParameterType(AbstractParameterType):
    """A parameter like a sample array: of its dtype, and of its size in every dimension but the first."""

    def __init__(self, sample_input: Any, enforce_column_type: bool = True, enforce_shape: bool = True) -> None:  # noqa: ANN401
        """Keep the sample.

        Args:
            sample_input: The array.
            enforce_column_type: Convert to the sample's dtype instead of letting numpy guess.
            enforce_shape: Refuse other numbers of dimensions and other sizes from the second dimension on.

        Raises:
            Exception: the sample is not an array.
        """
        if not isinstance(sample_input, np.ndarray):
            raise Exception("Invalid sample input provided, must provide a sample Numpy array.")
        super().__init__(sample_input)
        self.enforce_column_type = enforce_column_type
        self.enforce_shape = enforce_shape

    def deserialize_input(self, input_data: Any) -> Any:  # noqa: ANN401
        """Make an array of a list; an array is returned as it is.

        Raises:
            ValueError: not a list, or of another shape. Whatever numpy raises for values it cannot convert.
        """
        if isinstance(input_data, np.ndarray):
            return input_data
        if not isinstance(input_data, list):
            raise ValueError("Invalid input format: expected an array of items.")
        sample = self.sample_input
        if self.enforce_column_type:
            array = np.array([_to_item(item, sample.dtype) for item in input_data], dtype=sample.dtype)
        else:
            array = np.array(input_data)
        if self.enforce_shape:
            _check_shape(array.shape, sample.shape)
        return array

    def input_to_swagger(self) -> dict[str, Any]:
        """Describe the sample.

        Raises:
            TypeError: there is no schema for the sample's dtype, or it has no dimension.
        """
        sample = self.sample_input
        items = _describe_dtype(sample.dtype)
        for _ in sample.shape[1:]:
            items = {"type": "array", "items": items}
        if sample.ndim == 0:
            raise TypeError("len() of unsized object")
        example = _to_examples(sample, sample.dtype, sample.ndim)
        return {"type": "array", "items": items, "example": example, "format": "numpy.ndarray"}


def _to_item(value: Any, dtype: Any) -> Any:  # noqa: ANN401
    """Prepare one element for numpy, which reads neither records with names nor dates and durations in our spelling."""
    if dtype.names is not None:
        named = isinstance(value, dict)
        keys = dtype.names if named else range(len(dtype.names))
        return tuple(_to_item(value[key], dtype[name]) for key, name in zip(keys, dtype.names))
    if dtype.kind == "M":
        return np.datetime64(value)
    if dtype.kind == "m":
        return _to_timedelta(value)
    return value


def _to_timedelta(text: Any) -> Any:  # noqa: ANN401
    """Read `<integer> <unit>`."""
    parts = text.split(None, 1)
    if len(parts) != 2:
        raise ValueError(
            f"Invalid numpy.timestamp64 value specified: {text}. Format should be <value> <time_unit_code>"
        )
    unit = _UNIT_CODES.get(parts[1].lower())
    if unit is None:
        raise ValueError(f"Invalid numpy.timestamp64 value specified: {text}. Unrecognized time unit code")
    return np.timedelta64(int(parts[0]), unit)


def _check_shape(shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if len(shape) != len(expected):
        raise ValueError(
            f"Invalid input array: an array with {len(expected)} dimensions is expected; "
            f"input has {len(shape)} [shape {shape}]"
        )
    for dimension in range(1, len(shape)):
        if shape[dimension] != expected[dimension]:
            raise ValueError(
                f"Invalid input array: array has size {shape[dimension]} on dimension #{dimension}, "
                f"while expected value is {expected[dimension]}"
            )


def _describe_dtype(dtype: Any) -> dict[str, Any]:  # noqa: ANN401
    if dtype.names is not None:
        return {"type": "object", "properties": {name: _describe_dtype(dtype[name]) for name in dtype.names}}
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        schema = _describe_dtype(base)
        for _ in shape:
            schema = {"type": "array", "items": schema}
        return schema
    if dtype.kind in "iu":
        return {"type": "integer", "format": dtype.name}
    schema = _ITEM_SCHEMAS.get(dtype.name) or _KIND_SCHEMAS.get(dtype.kind)
    if schema is None:
        raise TypeError(f"We currently do not support extracting schema from data of type {dtype}")
    return dict(schema)


def _to_examples(values: Any, dtype: Any, dimensions: int) -> Any:  # noqa: ANN401 - an array, or one element
    """Make the JSON form of an array of so many dimensions; an element may be an array, too."""
    if dimensions == 0:
        return _to_example(values, dtype)
    return [_to_examples(item, dtype, dimensions - 1) for item in values]


def _to_example(value: Any, dtype: Any) -> Any:  # noqa: ANN401
    """Make the JSON form of one element."""
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return _to_examples(value, base, len(shape))
    if dtype.names is not None:
        return {name: _to_example(value[name], dtype[name]) for name in dtype.names}
    if dtype.kind in "iu":
        return int(value)
    if dtype.kind == "f":
        return float(value)
    if dtype.kind in "SV":
        return base64.b64encode(bytes(value)).decode("ascii")
    if dtype.kind == "M":
        return value.astype(datetime.datetime).strftime("%Y-%m-%d %H:%M:%S,%f")
    return str(value)
