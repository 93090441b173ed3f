"""Makes a request's place in the trace the current span of a script that has OpenTelemetry imported.

The spans that the script makes are then children. Nothing is imported here, and a library that is not as expected is as
good as none.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Callable, Optional, TypeVar

T = TypeVar("T")

_LIBRARY = "opentelemetry.trace"
_CONTEXT = "opentelemetry.context"

_TRACEPARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})(?P<span>[0-9a-f]{16})"
    r"-(?P<flags>[0-9a-f]{2})(?P<rest>-.*)?"
)
"""As in src/core/traceparent.ts: version, trace id, parent id, flags; a version to come may add more behind a dash."""

_MEMBER = re.compile(
    r"(?:[a-z0-9][a-z0-9_*/-]{0,240}@)?[a-z0-9][a-z0-9_*/-]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{1,256}"
)
"""What a tracestate is a list of. The library would write a log line about each that is not so."""

_MAX_MEMBERS = 32
"""As W3C Trace Context has it."""

Place = Optional[tuple[str, str]]
"""traceparent and tracestate of a request; the second is empty where there is none. None: it is in no trace."""

_place: ContextVar[Place] = ContextVar("scorefn_trace_place", default=None)


def has_tracing() -> bool:
    """Tell whether the script has imported OpenTelemetry."""
    return _LIBRARY in sys.modules


def note_place(meta: dict[str, Any]) -> None:
    """Note the place of the request that is about to run: that of the server's own trace, or else its caller's."""
    own = meta.get("traceparent")
    found = meta if own is not None else meta.get("headers", {})
    parent = found.get("traceparent")
    _place.set(None if parent is None else (parent, found.get("tracestate", "")))


def in_trace(answer: Callable[..., T]) -> Callable[..., T]:
    """Have a function that answers a request run, all of it, in the request's trace."""

    def answer_in_trace(*arguments: Any) -> T:  # noqa: ANN401 - passed on
        with _attached():
            return answer(*arguments)

    return answer_in_trace


def in_trace_async(answer: Callable[..., Coroutine[Any, Any, T]]) -> Callable[..., Coroutine[Any, Any, T]]:
    """Do the same for a coroutine function, whose task has the context to itself."""

    async def answer_in_trace(*arguments: Any) -> T:  # noqa: ANN401 - passed on
        with _attached():
            return await answer(*arguments)

    return answer_in_trace


@contextmanager
def _attached() -> Iterator[None]:
    token = _attach(_place.get())
    try:
        yield
    finally:
        if token is not None:
            _detach(token)


def _attach(place: Place) -> Any:  # noqa: ANN401 - the library's own
    """Make the place the current span. Returns what `_detach` takes; None: nothing has been done."""
    found = None if place is None else _TRACEPARENT.fullmatch(place[0])
    if found is None or (found["version"] == "00" and found["rest"] is not None):
        return None
    try:
        trace: Any = sys.modules[_LIBRARY]
        span_context = trace.SpanContext(
            trace_id=int(found["trace"], 16),
            span_id=int(found["span"], 16),
            is_remote=True,
            trace_flags=trace.TraceFlags(int(found["flags"], 16)),
            trace_state=_state(trace, place[1]),
        )
        context = trace.set_span_in_context(trace.NonRecordingSpan(span_context))
        return sys.modules[_CONTEXT].attach(context)
    except Exception:
        return None


def _state(trace: Any, text: str) -> Any:  # noqa: ANN401
    """Read a tracestate; one that is not valid is none, and the traceparent counts all the same."""
    members = [member.strip(" \t") for member in text.split(",")]
    members = [member for member in members if member]
    if not members or len(members) > _MAX_MEMBERS or not all(map(_MEMBER.fullmatch, members)):
        return None
    try:
        return trace.TraceState.from_header([",".join(members)])
    except Exception:
        return None


def _detach(token: Any) -> None:  # noqa: ANN401
    try:
        sys.modules[_CONTEXT].detach(token)
    except Exception:
        return
