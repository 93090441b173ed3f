"""Schemas and examples of plain Python values (contract IS-21)."""

from __future__ import annotations

import base64
import datetime
from typing import Any, Callable

from .abstract_parameter_type import AbstractParameterType

DATE_FORMAT = "%Y-%m-%d"
_SEQUENCES = (list, tuple, range)


def describe(value: Any) -> dict[str, Any]:  # noqa: ANN401 - any sample
    """Make the schema of a sample, without an example. Types are matched exactly, subclasses are just objects."""
    if isinstance(value, AbstractParameterType):
        schema = dict(value.input_to_swagger())
        schema.pop("example", None)
        return schema
    kind = type(value)
    if kind is dict:
        return {
            "type": "object",
            "required": list(value),
            "properties": {name: describe(item) for name, item in value.items()},
        }
    if kind in _SEQUENCES:
        # The last element stands for all.
        return {"type": "array", "items": describe(value[-1]) if len(value) else {"type": "object"}}
    return dict(_SCALAR_SCHEMAS.get(kind, {"type": "object"}))


def to_example(value: Any) -> Any:  # noqa: ANN401
    """Make the JSON form of a sample; what has none stays as it is, for the encoder to complain about."""
    kind = type(value)
    if kind is dict:
        return {
            name: item.input_to_swagger()["example"] if isinstance(item, AbstractParameterType) else to_example(item)
            for name, item in value.items()
        }
    if kind in _SEQUENCES:
        if len(value) and isinstance(value[0], AbstractParameterType):
            return [item.input_to_swagger()["example"] for item in value]
        return [to_example(item) for item in value]
    return _SCALAR_EXAMPLES[kind](value) if kind in _SCALAR_EXAMPLES else value


def _base64(value: bytes | bytearray) -> str:
    return base64.b64encode(value).decode("ascii")


def _datetime(value: datetime.datetime) -> str:
    return _in_utc_if_naive(value).strftime("%Y-%m-%d %H:%M:%S.%f %z")


def _time(value: datetime.time) -> str:
    return _in_utc_if_naive(value).strftime("%H:%M:%S.%f %z")


def _in_utc_if_naive(value: Any) -> Any:  # noqa: ANN401 - a datetime or a time
    return value if value.tzinfo is not None else value.replace(tzinfo=datetime.timezone.utc)


_SCALAR_SCHEMAS: dict[type, dict[str, Any]] = {
    int: {"type": "integer", "format": "int64"},
    float: {"type": "number", "format": "double"},
    bool: {"type": "boolean"},
    str: {"type": "string"},
    bytes: {"type": "string", "format": "byte"},
    bytearray: {"type": "string", "format": "byte"},
    datetime.date: {"type": "string", "format": "date"},
    datetime.datetime: {"type": "string", "format": "date-time"},
    datetime.time: {"type": "string", "format": "time"},
}

_SCALAR_EXAMPLES: dict[type, Callable[[Any], str]] = {
    bytes: _base64,
    bytearray: _base64,
    datetime.date: lambda value: value.strftime(DATE_FORMAT),
    datetime.datetime: _datetime,
    datetime.time: _time,
}
