"""How AMLResponse reads its arguments (contract API-4 to API-7), whatever class it is built on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

RUN_FAILED = "x-ms-run-function-failed"
JSON_TYPE = "application/json"
DEFAULT_TYPE = "text/html; charset=utf-8"

_WHOLE = frozenset(
    (
        *("expires", "date", "last-modified", "retry-after", "warning", "www-authenticate"),
        # Neither are these lists, though commas may stand in them.
        *("content-disposition", "content-length", "content-location", "content-type", "location"),
    )
)
"""Headers whose values are not split at commas."""

_SINGLE = ("content-type", "content-length")
"""Of these the last one given wins."""

_NEXT_COOKIE = re.compile(r",\s*(?=[^\s;,=]+=)")
"""The comma before another cookie; the one in a date is followed by a day."""


class Parts(NamedTuple):
    """What an AMLResponse is made of. `headers` are added to those of the body, except for _SINGLE."""

    body: Any
    content_type: str
    headers: list[tuple[str, str]]


def read_arguments(message: Any, headers: Any, *, json_str: bool, run_failed: bool) -> Parts:  # noqa: ANN401 - the script's
    """Read the arguments of AMLResponse except for the status.

    Raises:
        TypeError: the body is neither text nor bytes nor an iterable, or has no JSON form; a header is no string.
    """
    content_type = DEFAULT_TYPE
    body = message
    if message is None:
        body, content_type = "{}", JSON_TYPE
    elif json_str:
        body, content_type = json.dumps(message), JSON_TYPE
    elif not (hasattr(message, "__iter__") or hasattr(message, "__aiter__")):
        raise TypeError(f"the message of an AMLResponse must be text, bytes or an iterable of them; {_type(message)}")
    if not hasattr(headers, "items"):
        raise TypeError(f"the response_headers of an AMLResponse must be a dict; {_type(headers)}")
    lines = [(RUN_FAILED, str(bool(run_failed)))]
    for name, value in headers.items():
        if not isinstance(value, str):
            raise TypeError(f"the values of response_headers must be strings; {name!r}: {_type(value)}")
        if name.lower() == "content-type":
            content_type = value.strip()
        else:
            lines.extend((name, piece) for piece in split_value(name, value))
    return Parts(body, content_type, lines)


def apply_headers(headers: Any, lines: list[tuple[str, str]]) -> None:  # noqa: ANN401 - Werkzeug's or ours
    """Add lines to the headers of a response."""
    for name, value in lines:
        if name.lower() in _SINGLE:
            headers.set(name, value)
        else:
            headers.add(name, value)


def split_value(name: str, value: str) -> Iterator[str]:
    """Split a value into those of several header lines (API-7)."""
    lower = name.lower()
    if lower in _WHOLE:
        pieces = [value]
    elif lower == "set-cookie":
        pieces = _NEXT_COOKIE.split(value)
    else:
        pieces = value.split(",")
    return (piece.strip() for piece in pieces)


def _type(value: object) -> str:
    return f"this one is of type {type(value).__name__}"
