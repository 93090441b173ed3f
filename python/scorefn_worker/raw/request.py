"""The request of scripts whose environment has neither Flask nor Werkzeug: request line, headers and body."""

from __future__ import annotations

import json
from functools import cached_property
from typing import IO, Any
from urllib.parse import parse_qsl

from .environ import Environ
from .errors import BadRequest, FlaskNeeded, UnsupportedMediaType
from .structures import Arguments, RequestHeaders

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class Request:
    """One HTTP request. Nothing is parsed before it is asked for."""

    def __init__(self, environ: Environ) -> None:
        """Take a WSGI environ."""
        self.environ = environ
        self.method: str = environ["REQUEST_METHOD"]
        self.headers = RequestHeaders(_header_lines(environ))
        self.query_string: bytes = environ["QUERY_STRING"].encode("latin-1")
        self.remote_addr: str | None = environ.get("REMOTE_ADDR")
        self.content_type: str | None = environ.get("CONTENT_TYPE")
        self.stream: IO[bytes] = environ["wsgi.input"]
        self._data: bytes | None = None
        self._json: dict[bool, Any] = {}

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - never returns
        """Say what forms, cookies and the like need."""
        raise FlaskNeeded("request.data of a form" if name == "data" else f"request.{name}")

    @property
    def path(self) -> str:
        """Decoded path."""
        path: str = self.environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        return "/" + path.lstrip("/")

    @cached_property
    def args(self) -> Arguments:
        """Parameters of the query; the values are text."""
        return Arguments(parse_qsl(self.query_string.decode("utf-8", "replace"), keep_blank_values=True))

    @property
    def mimetype(self) -> str:
        """Media type in lower case, without parameters; empty when there is none."""
        return (self.content_type or "").partition(";")[0].strip().lower()

    @property
    def content_length(self) -> int | None:
        """Length of the body in bytes as the client announced it, None when it did not."""
        length = self.environ.get("CONTENT_LENGTH")
        if length is None or "chunked" in self.environ.get("HTTP_TRANSFER_ENCODING", "").lower():
            return None
        return int(length) if length.isdigit() else 0

    @property
    def is_json(self) -> bool:
        """Whether the body says that it is JSON."""
        mimetype = self.mimetype
        return mimetype == "application/json" or (mimetype.startswith("application/") and mimetype.endswith("+json"))

    @property
    def data(self) -> bytes:
        """The body. That of a form is empty in Flask, which reads it to its end first: get_data() is not."""
        if self._data is None and self.mimetype in _FORMS:
            raise AttributeError  # leads to __getattr__, as any of a property does
        data: bytes = self.get_data()
        return data

    def get_data(self, cache: bool = True, as_text: bool = False) -> Any:  # noqa: ANN401 - bytes, or text
        """Read the body.

        Args:
            cache: Keep it, for the next call and for `json`.
            as_text: Decode it as UTF-8; what is not becomes U+FFFD.
        """
        data = self._data
        if data is None:
            data = self.stream.read()
            if cache:
                self._data = data
        return data.decode("utf-8", "replace") if as_text else data

    @property
    def json(self) -> Any:  # noqa: ANN401 - any JSON value
        """The body read as JSON; see get_json."""
        return self.get_json()

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:  # noqa: ANN401
        """Read the body as JSON.

        Args:
            force: Whatever type it says to be.
            silent: Return None instead of raising.
            cache: Return the same object to the next call.

        Raises:
            UnsupportedMediaType: it does not say that it is JSON.
            BadRequest: it is not JSON.
        """
        if cache and silent in self._json:
            return self._json[silent]
        if not (force or self.is_json):
            if silent:
                return None
            text = "Did not attempt to load JSON data because the request Content-Type was not 'application/json'."
            raise UnsupportedMediaType(text)
        try:
            value = json.loads(self.get_data(cache=cache))
        except ValueError as error:
            if not silent:
                raise BadRequest(f"Failed to decode JSON object: {error}") from error
            return None
        if cache:
            self._json = {False: value, True: value}
        return value

    def __repr__(self) -> str:
        """Show path and method."""
        return f"<{type(self).__name__} {self.path!r} [{self.method}]>"


def _header_lines(environ: Environ) -> list[tuple[str, str]]:
    lines = []
    for key, value in environ.items():
        if key.startswith("HTTP_"):
            lines.append((key[5:].replace("_", "-").title(), value))
        elif key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            lines.append((key.replace("_", "-").title(), value))
    return lines
