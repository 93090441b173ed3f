"""Dates and times from text."""

from __future__ import annotations

import datetime
import re
from typing import Any

_OTHER_FORMATS = (
    "%Y-%m-%d %H:%M:%S.%f %z",
    "%Y-%m-%d %H:%M:%S %z",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y",
    "%Y%m%d",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d %Y",
    "%B %d %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%a, %d %b %Y %H:%M:%S %z",
)
_TIME_FORMATS = ("%H:%M:%S.%f %z", "%H:%M:%S %z", "%H:%M:%S.%f%z", "%H:%M:%S%z", "%H:%M:%S.%f", "%H:%M:%S", "%H:%M")


def parse_date(text: Any) -> datetime.datetime:  # noqa: ANN401 - any JSON value may come
    """Read a date, a time or both; a time alone is one of today.

    python-dateutil, which the package requires, reads nearly every spelling and is used where it is installed. Without
    it these are understood: ISO 8601, and the formats listed above.

    Raises:
        TypeError: not text.
        ValueError: not understood.
    """
    try:
        from dateutil import parser
    except ImportError:
        return _parse_plain(text)
    return parser.parse(text)


def _parse_plain(text: Any) -> datetime.datetime:  # noqa: ANN401
    if not isinstance(text, str):
        raise TypeError(f"Parser must be a string or character stream, not {type(text).__name__}")
    if not text.strip():
        raise ValueError(f"String does not contain a date: {text}")
    plain = re.sub(r"(?<=\d)[Zz]$", "+00:00", text.strip())
    # Python before 3.11 reads three or six digits of a second's fraction, and nothing else.
    plain = re.sub(r"[.,](\d+)", lambda match: f".{match[1][:6]:0<6}", plain)
    try:
        return datetime.datetime.fromisoformat(plain)
    except ValueError:
        pass
    for form in _OTHER_FORMATS:
        try:
            return datetime.datetime.strptime(plain, form)
        except ValueError:
            continue
    for form in _TIME_FORMATS:
        try:
            time = datetime.datetime.strptime(plain, form)
        except ValueError:
            continue
        return datetime.datetime.combine(datetime.date.today(), time.timetz())
    raise ValueError(f"Unknown string format: {text}")
