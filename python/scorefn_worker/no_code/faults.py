"""Whose fault an exception is, and what of it a caller may read.

MLflow's messages quote the request's data and the server's paths. What goes back says what was expected instead.
"""

from __future__ import annotations

import re

from ..failures import BadInput, chain
from ..report import message_of


class Unreadable(BadInput):
    """A request that cannot be read, or that the model itself refuses: MLflow has a code of its own for it."""

    type_in_report = "BAD_REQUEST"


_CALLERS_CODES = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST")
"""Codes with which MLflow answers 400."""

_CHECKS = frozenset(("_enforce_schema", "_enforce_params_schema", "_validate_prediction_input", "_validate_params"))
"""Functions of MLflow that check a request; before 2.16 what they raise has no code (MLF-19)."""

_MODELS_COMPLAINTS = (ValueError, TypeError)
"""What libraries raise for data that they cannot work with: a missing value, text for a number, a wrong width."""

_NOT_FOUND = (LookupError,)
"""What a model raises for a column that is missing; nobody has looked before where there is no signature."""

MAX_TEXT_CHARS = 1_000
"""Of a message for the caller: signatures of many columns are long."""

_QUOTING = (
    (re.compile(r"\s*\bInput: \n.*", re.DOTALL), ""),
    (re.compile(r"\.?\s*\bError: '.*", re.DOTALL), "."),
    (re.compile(r"(could not convert string to \w+): .*", re.DOTALL), r"\1"),
    (re.compile(r"(invalid literal for int\(\) with base \d+): .*", re.DOTALL), r"\1"),
    (re.compile(r"(?s) for value [`'].*?[`'](?=[\"'),.}]|$)"), ""),
    (re.compile(r"(?s)(data(?: type for data)?) [`'].*?[`'](?= (?:to|with) )"), r"\1"),
)
"""Where MLflow's messages quote data, and what is left there."""


def is_of_the_caller(error: Exception) -> bool:
    """Tell whether an exception says that a request does not fit the signature."""
    if not _is_mlflows(error):
        return _was_in_a_check(error)
    return getattr(error, "error_code", None) in _CALLERS_CODES or _was_in_a_check(error)


def is_of_the_data(error: Exception, *, is_checked: bool) -> bool:
    """Tell whether a model that raises this most likely complains about what it was given.

    Args:
        error: Raised by the model itself.
        is_checked: Whether the data has been compared with a signature.
    """
    return isinstance(error, _MODELS_COMPLAINTS if is_checked else _MODELS_COMPLAINTS + _NOT_FOUND)


def text_for_caller(error: Exception) -> str:
    """Word a complaint of MLflow's without the data it quotes."""
    text = message_of(_first(error))
    for pattern, rest in _QUOTING:
        text = pattern.sub(rest, text)
    text = text.strip() or type(error).__name__
    return text if len(text) <= MAX_TEXT_CHARS else f"{text[:MAX_TEXT_CHARS]}…"


def _first(error: Exception) -> BaseException:
    """Find the complaint inside the ones that quote the whole data around it."""
    found: BaseException = error
    for link in chain(error):
        if _is_mlflows(link) and _was_in_a_check(link):
            found = link
    return found


def _is_mlflows(error: BaseException) -> bool:
    return any(kind.__name__ == "MlflowException" for kind in type(error).__mro__)


def _was_in_a_check(error: BaseException) -> bool:
    link = error.__traceback__
    while link is not None:
        frame = link.tb_frame
        if frame.f_code.co_name in _CHECKS and str(frame.f_globals.get("__name__", "")).startswith("mlflow."):
            return True
        link = link.tb_next
    return False
