"""What surrounds one call of run(): its HTTP request, and the context of the script's HTTP library."""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

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
        """Take the application's context."""
        self._context = context
        self._is_head = is_head

    def __enter__(self) -> bool:
        """Let jsonify() and the like work. Tell whether the request is HEAD."""
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


_PLAIN = PlainCall()


def plain_call() -> PlainCall | FlaskCall:
    """Surround a run() that takes no request."""
    flask = flask_if_imported()
    return _PLAIN if flask is None else FlaskCall(flask.app_context())
