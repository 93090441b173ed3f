"""The HTTP library of the script's environment: Flask, Werkzeug, or the little that is our own."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, ExitStack, nullcontext
from functools import cache
from typing import Any

from .environ import Environ
from .headers import apply_headers, read_arguments

Opened = tuple[Any, "AbstractContextManager[Any]"]
"""A request, and the context that run() is to be called in."""


class Library:
    """Where requests and responses come from."""

    request: type[Any]
    response: type[Any]

    def open(self, environ: Environ) -> Opened:
        """Make the request."""
        return self.request(environ), nullcontext()


class FlaskLibrary(Library):
    """Flask, with an application of ours around run(), so that flask.request, jsonify() and the like work."""

    def __init__(self) -> None:
        """Import Flask. Raises ImportError."""
        import flask

        self._flask = flask
        self.request = flask.Request
        self.response = flask.Response
        self._app = flask.Flask(__name__, static_folder=None)
        # The body is in memory already, within the server's own limit.
        self._app.config.update(MAX_FORM_MEMORY_SIZE=None, MAX_FORM_PARTS=None)
        self._app.add_url_rule("/score", "score", methods=["GET", "HEAD", "OPTIONS", "POST"])

    def open(self, environ: Environ) -> Opened:
        """Make the request together with its context. The real request, not the proxy, so that threads may use it."""
        context: Any = self._app.request_context(environ)
        return context.request, context

    def app_context(self) -> AbstractContextManager[Any]:
        """The context for a run() whose request is not known."""
        return self._app.app_context()

    def current_request(self) -> Any:  # noqa: ANN401
        """The request behind flask.request, or None."""
        return self._flask.request._get_current_object() if self._flask.has_request_context() else None


class WerkzeugLibrary(Library):
    """Werkzeug alone."""

    def __init__(self) -> None:
        """Import Werkzeug. Raises ImportError."""
        from werkzeug.wrappers import Request, Response

        class UnlimitedRequest(Request):
            # As for Flask above.
            max_form_memory_size = None
            max_form_parts = None  # type: ignore[assignment]

        self.request = UnlimitedRequest
        self.response = Response

    def open(self, environ: Environ) -> Opened:
        """Make the request, and undo the circle through its environ afterwards, or a big body would outlive it."""
        closing = ExitStack()
        closing.callback(environ.pop, "werkzeug.request", None)
        return self.request(environ), closing


class OwnLibrary(Library):
    """Our own, for environments with neither."""

    def __init__(self) -> None:
        """Import them."""
        from .request import Request
        from .response import Response

        self.request = Request
        self.response = Response


@cache
def library() -> Library:
    """Find the library; imports it the first time."""
    for candidate in (FlaskLibrary, WerkzeugLibrary):
        try:
            return candidate()
        except (ImportError, AttributeError):  # the latter: a module of the script's own that is only called so
            continue
    return OwnLibrary()


def flask_if_imported() -> FlaskLibrary | None:
    """Get Flask when the script has imported it, and never import it for that."""
    if "flask" not in sys.modules:
        return None
    found = library()
    return found if isinstance(found, FlaskLibrary) else None


def make_aml_request() -> type[Any]:
    """Make the class AMLRequest: for annotations, no request is one (API-8)."""

    class AMLRequest(library().request):  # type: ignore[misc]
        """Stands for the request in annotations of run()."""

        def __init__(self) -> None:
            raise TypeError("AMLRequest is for annotations only: the server makes the requests")

    return AMLRequest


def make_aml_response() -> type[Any]:
    """Make the class AMLResponse (API-4)."""

    class AMLResponse(library().response):  # type: ignore[misc]
        """An HTTP response of a score script."""

        def __init__(
            self,
            message: Any,  # noqa: ANN401 - checked
            status_code: Any,  # noqa: ANN401 - a number, or text like "418 I am"
            response_headers: Any = {},  # noqa: ANN401, B006 - read only, and the default that is documented
            json_str: bool = False,
            run_function_failed: bool = False,
        ) -> None:
            """Take the body and what is said of it.

            Args:
                message: Text, bytes or an iterable of either; any JSON value with `json_str`; None for `{}`.
                status_code: Status.
                response_headers: Values by name; a list in one value becomes several lines.
                json_str: Send `message` as JSON.
                run_function_failed: Value of x-ms-run-function-failed.
            """
            body, content_type, lines = read_arguments(
                message, response_headers, json_str=json_str, run_failed=run_function_failed
            )
            super().__init__(response=body, status=status_code, content_type=content_type)
            apply_headers(self.headers, lines)

    return AMLResponse
