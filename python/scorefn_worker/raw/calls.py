"""What surrounds one call of run(): its HTTP request, and the context of the script's HTTP library."""

from __future__ import annotations

from contextlib import AbstractContextManager
from contextvars import ContextVar
from types import TracebackType
from typing import Any

from .environ import Environ
from .library import flask_if_imported, library


class PlainCall:
    """The call of a run() that takes no request."""

    def __enter__(self) -> bool:
        """Tell whether the request is HEAD."""
        return False

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        """Do nothing."""


class FlaskCall:
    """The call of a run() that takes no request, in a script that has imported Flask."""

    def __init__(self, context: AbstractContextManager[Any], *, is_head: bool = False) -> None:
        """Take the context of the request, or only the application's."""
        self._context = context
        self._is_head = is_head

    def __enter__(self) -> bool:
        """Let flask.request, jsonify() and the like work. Tell whether the request is HEAD."""
        self._context.__enter__()
        return self._is_head

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave the context."""
        self._context.__exit__(kind, error, traceback)


class RawCall(FlaskCall):
    """The call of a run() that takes the request."""

    def __init__(self, parameter: str, arguments: dict[str, Any]) -> None:
        """Replace the environ among the arguments by the request made of it."""
        environ = arguments[parameter]
        arguments[parameter], context = library().open(environ)
        super().__init__(context, is_head=environ["REQUEST_METHOD"] == "HEAD")


class WaitingCall(PlainCall):
    """The call of a run() that takes no request and may be about to import Flask."""

    def __init__(self, environ: Environ) -> None:
        """Keep what the request would be made of."""
        self._environ = environ
        self._opened: tuple[Any, AbstractContextManager[Any]] | None = None

    def __enter__(self) -> bool:
        """Be found by `flask_imported`. Tell whether the request is HEAD."""
        self._before = _waiting.set(self)
        return False

    def open(self) -> None:
        """Let flask.request work from now on."""
        flask = flask_if_imported()
        if flask is not None and self._opened is None:
            self._opened = flask.open(self._environ)
            self._opened[1].__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave the context, unless Flask was imported in a task or thread of the script's own, which has its own."""
        _waiting.reset(self._before)
        flask = flask_if_imported()
        if self._opened is not None and flask is not None and flask.current_request() is self._opened[0]:
            self._opened[1].__exit__(kind, error, traceback)


_PLAIN = PlainCall()
_waiting: ContextVar[WaitingCall | None] = ContextVar("scorefn_waiting_call", default=None)


def plain_call(environ: Environ | None) -> PlainCall | FlaskCall:
    """Surround a run() that takes no request. `environ`: what one can be made of all the same."""
    flask = flask_if_imported()
    if flask is None:
        return _PLAIN if environ is None else WaitingCall(environ)
    return FlaskCall(flask.app_context() if environ is None else flask.open(environ)[1])


def flask_imported() -> None:
    """Give the run() that has just imported Flask its request."""
    call = _waiting.get()
    if call is not None:
        call.open()
