"""From an exception to the report that crosses the pipe. Whatever the exception does, a report comes out."""

from __future__ import annotations

import os
import traceback
from types import CoroutineType
from typing import Any

from .failures import UNHANDLED, BadInput, StartFailure, UserScriptException, caused_by
from .frames import encode_json
from .hints import hint_for
from .locate import PACKAGE_DIR, Place, UserFiles, code_frame, find_place
from .protocol import ERROR, FAILED, Report
from .results import explain

MAX_MESSAGE_CHARS = 65_536
MAX_TRACEBACK_CHARS = 262_144
"""Exceptions that carry a whole data set in their text must not carry it into the log."""


def traceback_text(error: BaseException) -> str:
    """Python's text of the whole chain without frames of the worker and without a trailing newline."""
    try:
        summary = traceback.TracebackException.from_exception(error)
        _drop_own_frames(summary)
        return _cut("".join(summary.format()).rstrip("\n"), MAX_TRACEBACK_CHARS)
    except Exception:
        return f"{type(error).__name__}: {message_of(error)}"


def message_of(error: BaseException) -> str:
    """The exception's message, even when its __str__ is broken."""
    try:
        return _cut(str(error), MAX_MESSAGE_CHARS)
    except BaseException:  # the script's own __str__ may raise anything, SystemExit included
        return "<exception str() failed>"


def make_report(
    error: BaseException,
    files: UserFiles,
    *,
    text: str | None = None,
    place: Place | None = None,
    with_code: bool = False,
    hint: str | None = None,
) -> Report:
    """Describe an exception.

    Args:
        error: The exception of the script, not one of our wrappers.
        files: Which files are the user's own.
        text: The traceback text, when it is more than that of `error`.
        place: Where it happened, when the traceback does not say.
        with_code: Add the code frame.
        hint: What to do; looked up when not given.
    """
    place = place or find_place(error, files)
    report: Report = {
        "type": type(error).__name__,
        "message": message_of(error),
        "traceback": traceback_text(error) if text is None else text,
        "location": place.location if place is not None else None,
    }
    shown = code_frame(place) if place is not None and with_code else None
    if shown is not None:
        report["codeFrame"] = shown
    hint = hint or hint_for(error, place)
    if hint is not None:
        report["hint"] = hint
    return report


def error_frame(request: int, kind: str, error: BaseException, files: UserFiles) -> bytes:
    """Build the ERROR frame for a request whose script failed. `kind` as in the protocol, §5."""
    text = traceback_text(caused_by(UserScriptException(UNHANDLED), error))
    return encode_json(ERROR, request, {"kind": kind, "error": make_report(error, files, text=text)})


def result_error_frame(request: int, result: Any, error: BaseException, files: UserFiles) -> bytes:  # noqa: ANN401
    """Build the ERROR frame for a result that cannot be rendered (OUT-7)."""
    if isinstance(result, CoroutineType):
        result.close()  # or Python would warn that it was never awaited
    located, hint = explain(result, error)
    return encode_json(ERROR, request, {"kind": "result", "error": make_report(located, files, hint=hint)})


def input_error_frame(request: int, error: BadInput) -> bytes:
    """Build the ERROR frame for a body that does not fit."""
    report: Report = {
        "type": error.type_in_report,
        "message": message_of(error),
        "traceback": "",
        "location": None,
    }
    return encode_json(ERROR, request, {"kind": "input", "error": report})


def failed_frame(failure: StartFailure, files: UserFiles) -> bytes:
    """Build the FAILED frame."""
    error = failure.error
    origin = error.__cause__ if isinstance(error, UserScriptException) and error.__cause__ is not None else error
    report = make_report(
        origin, files, text=traceback_text(error), place=failure.place, with_code=True, hint=failure.hint
    )
    return encode_json(FAILED, 0, {"stage": failure.stage, "error": report, "records": failure.records})


def _drop_own_frames(summary: traceback.TracebackException) -> None:
    """Take the frames of the worker and of the import machinery out of a whole chain."""
    waiting = [summary]
    while waiting:
        link = waiting.pop()
        link.stack[:] = [frame for frame in link.stack if not _is_own(frame.filename)]
        waiting += [other for other in (link.__cause__, link.__context__) if other is not None]
        waiting += getattr(link, "exceptions", None) or ()


def _is_own(filename: str) -> bool:
    return filename.startswith((PACKAGE_DIR + os.sep, "<frozen importlib"))


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text) - limit} more characters)"
