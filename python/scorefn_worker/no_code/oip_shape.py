"""Shapes that callers announce. Nothing is allocated by what they say: only by what has come."""

from __future__ import annotations

import math
from itertools import chain
from typing import Any

from ..failures import BadInput

MAX_RANK = 64
"""Dimensions a tensor may have: as many as numpy takes."""

MAX_ELEMENTS = 2**53 - 1
"""What the worker for Node can count."""

_SHOWN_NAME = 200
"""Longest name that a message repeats, in characters: more than models have, and less than a log line should."""


def shown(name: str) -> str:
    """Write a name of the caller's as messages show it."""
    return f"'{name[:_SHOWN_NAME]}...'" if len(name) > _SHOWN_NAME else f"'{name}'"


def kind_of(value: Any) -> str:  # noqa: ANN401 - any value of JSON
    """Say what a value is in JSON, for messages: what the caller sent stays out of them."""
    return _KINDS.get(type(value), "a number")


_KINDS = {bool: "a boolean", str: "a string", type(None): "null", list: "a list", dict: "an object"}


def whole(value: Any) -> int | None:  # noqa: ANN401
    """Read an unsigned integer, which JavaScript may also have written with a point; None: it is none."""
    if type(value) is int or (type(value) is float and value.is_integer()):
        return int(value) if 0 <= value <= MAX_ELEMENTS else None
    return None


def shown_number(value: Any) -> str:  # noqa: ANN401
    """Write what should have been an integer as messages show it: a number that is not too long, else its kind."""
    if type(value) is int or (type(value) is float and value.is_integer()):
        return str(int(value)) if abs(value) <= MAX_ELEMENTS else "a number"
    return str(value).replace("nan", "NaN").replace("inf", "Infinity") if type(value) is float else kind_of(value)


def text_of(shape: Any) -> str:  # noqa: ANN401 - any iterable of numbers
    """Write a shape as messages have it."""
    return f"[{','.join(map(str, shape))}]"


def read_shape(members: dict[str, Any], name: str) -> list[int]:
    """Check the shape of an input.

    Raises:
        BadInput: it is none; the text names the input.
    """
    fault = f"Unable to parse 'shape' of input {shown(name)}: "
    if "shape" not in members:
        raise BadInput(f"{fault}there is no such member")
    shape = members["shape"]
    if type(shape) is not list:
        raise BadInput(f"{fault}expected a list of integers, got {kind_of(shape)}")
    if len(shape) > MAX_RANK:
        raise BadInput(f"{fault}it has {len(shape)} dimensions, and {MAX_RANK} is the most")
    sizes = []
    for index, value in enumerate(shape):
        size = whole(value)
        if size is None:
            raise BadInput(f"{fault}expected unsigned integers, got {shown_number(value)} at index {index}")
        sizes.append(size)
    # An empty dimension does not make up for the others: numpy multiplies them in an order of its own.
    if math.prod(size for size in sizes if size > 0) > MAX_ELEMENTS:
        raise BadInput(f"{fault}{text_of(sizes)} has more elements than can be counted")
    return sizes


def flatten(data: list[Any], shape: list[int], name: str) -> list[Any]:
    """Make a flat list of data that are flat already, or nested as the shape says.

    Raises:
        BadInput: lists are not as long as the shape says.
    """
    fault = f"Unable to parse 'data' of input {shown(name)}: Shape does not match true shape of 'data' field: "
    if not (data and type(data[0]) is list):
        if len(data) != math.prod(shape):
            raise BadInput(f"{fault}{text_of(shape)} takes {math.prod(shape)} values, got {len(data)}")
        return data
    lists = [data]
    for depth in range(len(shape) + 1):
        size = shape[depth] if depth < len(shape) else None
        for each in lists:
            if type(each) is not list:
                raise BadInput(f"{fault}{text_of(shape)} takes lists at depth {depth}, got {kind_of(each)}")
            if len(each) != size:
                takes = "no lists" if size is None else f"lists of {size}"
                raise BadInput(f"{fault}{text_of(shape)} takes {takes} at depth {depth}, got one of {len(each)}")
        level = list(chain.from_iterable(lists))
        if depth == len(shape) - 1:
            return level
        lists = level
    raise AssertionError(text_of(shape))
