"""The decorator that makes a script raw (contract SIG-7)."""

from __future__ import annotations

import contextlib
from typing import Any, TypeVar

F = TypeVar("F")

MARK = "__scorefn_rawhttp__"
"""Attribute of a decorated function."""

_applied = False


def rawhttp(func: F) -> F:
    """Let run() take the HTTP request itself and return an HTTP response. Returns `func` unchanged.

    As in the reference server, it does not matter which function is decorated: one anywhere in the process is enough.
    """
    global _applied
    _applied = True
    with contextlib.suppress(AttributeError, TypeError):  # not every callable takes attributes
        setattr(func, MARK, True)
    return func


def is_raw() -> bool:
    """Tell whether the decorator was applied to anything."""
    return _applied


def is_marked(function: Any) -> bool:  # noqa: ANN401 - whatever the script calls run
    """Tell whether this very function was decorated."""
    return getattr(function, MARK, False) is True
