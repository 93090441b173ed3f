"""What run() returned, as JSON text (contract OUT-1, Appendix B)."""

from __future__ import annotations

import json
from typing import Any

from .hints import hint_for_type

MAX_SEARCHED_VALUES = 100_000
"""How many values of a result are looked at to name the one that JSON has no form for."""

MAX_SHOWN_DEPTH = 20
"""A value below more levels than this is named without the way to it."""

_SCALARS = (str, int, float, bool, type(None))

EMPTY_RESULT = "{}"
"""What None is answered with."""


def render(result: Any) -> str:  # noqa: ANN401 - whatever the script returns
    """Make the JSON text of a result; raises whatever the result's own methods or the encoder raise."""
    return EMPTY_RESULT if result is None else json.dumps(result)


def explain(result: Any, error: BaseException) -> tuple[BaseException, str | None]:  # noqa: ANN401
    """Say which value of a result could not be rendered.

    Returns:
        The exception to report, the original one where the culprit is not found, and a hint where there is one.
    """
    if not isinstance(error, TypeError):
        return error, None
    try:
        found = _culprit(result)
    except Exception:
        found = None
    if found is None:
        return error, None
    path, value = found
    where = f" (result{path})" if path else ""
    located = TypeError(f"Object of type {type(value).__name__} is not JSON serializable{where}")
    located.__cause__ = error
    return located, hint_for_type(value)


def _culprit(result: Any) -> tuple[str, Any] | None:  # noqa: ANN401
    """Find the first value, in document order, that is neither a scalar nor a container of JSON's."""
    waiting: list[tuple[Any, Any]] = [((), result)]
    for _ in range(MAX_SEARCHED_VALUES):
        if not waiting:
            return None
        trail, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [((trail, key), item) for key, item in reversed(list(value.items()))]
        elif isinstance(value, (list, tuple)):
            waiting += [((trail, index), item) for index, item in reversed(list(enumerate(value)))]
        elif not isinstance(value, _SCALARS):
            return _subscripts(trail), value
    return None


def _subscripts(trail: Any) -> str:  # noqa: ANN401 - (trail, key), nested as deeply as the result
    """Write the way to a value as Python would, `['scores'][3]`."""
    keys: list[Any] = []
    while trail and len(keys) < MAX_SHOWN_DEPTH:
        trail, key = trail
        keys.append(key)
    return "".join(f"[{key!r}]" for key in reversed(keys)) if not trail else ""
