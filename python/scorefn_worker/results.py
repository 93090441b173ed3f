"""What run() returned, as JSON text (contract OUT-1, Appendix B)."""

from __future__ import annotations

import json
import logging
from typing import Any

from .hints import hint_for_type
from .logs import SERVER_LOGGER

MAX_SEARCHED_VALUES = 100_000
"""How many values of a result are looked at to name the one that JSON has no form for."""

MAX_SHOWN_DEPTH = 20
"""A value below more levels than this is named without the way to it."""

_SCALARS = (str, int, float, bool, type(None))

EMPTY_RESULT = "{}"
"""What the client gets for None."""

MIN_STATUS = 100
MAX_STATUS = 599
"""What is taken for the status of an HTTP response."""

_JSON_BRACKETS = ("{}", "[]")

_DOUBLY_ENCODED = (
    "run() returned a string that holds JSON already; the client gets a string in quotes.",
    "Return the dict or list itself, without json.dumps().",
)
_STATUS_PAIR = (
    "run() returned a tuple (body, status); the client gets an array of both, with status 200.",
    "Return the body alone, or raise an exception.",
)
_NOT_A_NUMBER = (
    "run() returned NaN or Infinity; the client gets text that is not valid JSON.",
    "Replace such numbers, for example by None.",
)
"""What is warned of (WEAK-8, OUT-1): what happened, and what to do."""

_log = logging.getLogger(SERVER_LOGGER)


class StrictResult(ValueError):
    """A result that would be answered with a warning, where --strict makes it an error."""

    def __init__(self, what: str, cure: str) -> None:
        """Say what is wrong with the result and what to return instead."""
        super().__init__(what)
        self.cure = cure


class Renderer:
    """Makes JSON texts of results and notices those that are almost certainly mistakes.

    Each kind is warned of once per process: a script that returns one such result returns them all the time.
    """

    def __init__(self, *, strict: bool) -> None:
        """Choose between warnings and, with `strict`, errors."""
        self._strict = strict
        self._encode = json.JSONEncoder(allow_nan=False).encode
        self._looks_at_strings = True
        self._looks_at_tuples = True

    def render(self, result: Any) -> str:  # noqa: ANN401 - whatever the script returns
        """Make the JSON text of a result.

        Raises:
            StrictResult: see the class.
            BaseException: whatever the result's own methods or the encoder raise.
        """
        kind = type(result)
        if kind is str:
            if self._looks_at_strings and result[:1] + result[-1:] in _JSON_BRACKETS and _is_json(result):
                self._looks_at_strings = self._strict
                self._notice(_DOUBLY_ENCODED)
        elif kind is tuple and self._looks_at_tuples and _is_status_pair(result):
            self._looks_at_tuples = self._strict
            self._notice(_STATUS_PAIR)
        elif result is None:
            return EMPTY_RESULT
        try:
            return self._encode(result)
        except ValueError as error:
            # NaN, or a value that holds itself; the second attempt tells which.
            text = json.dumps(result)
            self._notice(_NOT_A_NUMBER, error)
            self._encode = json.dumps
            return text

    def _notice(self, finding: tuple[str, str], cause: BaseException | None = None) -> None:
        """Warn of a result, or refuse it."""
        what, cure = finding
        if self._strict:
            raise StrictResult(what, cure) from cause
        _log.warning(f"{what} {cure} With --strict it would be a 500.")


def _is_status_pair(result: tuple[Any, ...]) -> bool:
    """Tell whether a tuple looks like Flask's (body, status)."""
    return len(result) == 2 and type(result[1]) is int and MIN_STATUS <= result[1] <= MAX_STATUS


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def explain(result: Any, error: BaseException) -> tuple[BaseException, str | None]:  # noqa: ANN401
    """Say which value of a result could not be rendered.

    Returns:
        The exception to report, the original one where the culprit is not found, and a hint where there is one.
    """
    if isinstance(error, StrictResult):
        return error, error.cure
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
