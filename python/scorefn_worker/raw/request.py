"""The request of scripts whose environment has neither Flask nor Werkzeug: the members of theirs that scripts use."""

from __future__ import annotations

import io
import json
import re
from email.message import Message
from typing import IO, Any
from urllib.parse import quote, unquote

from .environ import Environ
from .errors import BadRequest, UnsupportedMediaType
from .forms import MULTIPART, URLENCODED, mimetype_of, parse_cookies, parse_form, parse_pairs
from .structures import MultiDict, RequestHeaders

_QUERY_CHARS = "!$&'()*+,/:;=?@%"
"""What stands in a query as it is."""

_KEPT = re.compile(r"((?:%(?:[01][0-9a-f]|2[0356b]|3d|7f))+)", re.IGNORECASE)
"""Escapes in a query that would mean something else without their percent sign: controls, blank, `#%&+=`."""


class Request:
    """One HTTP request. Nothing is parsed before it is asked for."""

    def __init__(self, environ: Environ) -> None:
        """Take a WSGI environ."""
        self.environ = environ
        self.method: str = environ["REQUEST_METHOD"]
        self.headers = RequestHeaders(_header_lines(environ))
        self.query_string: bytes = environ["QUERY_STRING"].encode("latin-1")
        self.remote_addr: str | None = environ.get("REMOTE_ADDR")
        self.scheme: str = environ["wsgi.url_scheme"]
        self._data: bytes | None = None
        self._form: tuple[MultiDict, MultiDict] | None = None
        self._args: MultiDict | None = None
        self._cookies: MultiDict | None = None
        self._json: dict[bool, Any] = {}

    @property
    def path(self) -> str:
        """Decoded path."""
        path: str = self.environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        return "/" + path.lstrip("/")

    @property
    def full_path(self) -> str:
        """Path, `?` and the query as it came; the `?` also without one."""
        return f"{self.path}?{self.query_string.decode('utf-8', 'replace')}"

    @property
    def host(self) -> str:
        """Host as the client names it, without the port when that is the usual one."""
        host: str = self.environ.get("HTTP_HOST") or f"{self.environ['SERVER_NAME']}:{self.environ['SERVER_PORT']}"
        return host[:-3] if host.endswith(":80") else host

    @property
    def base_url(self) -> str:
        """URL without the query."""
        return f"{self.scheme}://{self.host}{self.path}"

    @property
    def url(self) -> str:
        """URL, readable: escapes are decoded where that changes no meaning."""
        query = quote(self.query_string, safe=_QUERY_CHARS)
        return f"{self.base_url}?{_readable(query)}" if query else self.base_url

    @property
    def is_secure(self) -> bool:
        """Whether the scheme is https."""
        return self.scheme == "https"

    @property
    def args(self) -> MultiDict:
        """Parameters of the query; the values are text."""
        if self._args is None:
            self._args = MultiDict(parse_pairs(self.query_string.decode("utf-8", "replace")))
        return self._args

    @property
    def cookies(self) -> MultiDict:
        """Cookies."""
        if self._cookies is None:
            self._cookies = parse_cookies(self.environ.get("HTTP_COOKIE", ""))
        return self._cookies

    @property
    def content_type(self) -> str | None:
        """As sent."""
        return self.environ.get("CONTENT_TYPE")

    @property
    def mimetype(self) -> str:
        """Media type in lower case, without parameters; empty when there is none."""
        return mimetype_of(self.content_type)

    @property
    def mimetype_params(self) -> dict[str, str]:
        """Parameters of the media type."""
        message = Message()
        message["Content-Type"] = self.content_type or ""
        return dict((message.get_params() or [])[1:])

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
    def stream(self) -> IO[bytes]:
        """The body, read once."""
        stream: IO[bytes] = self.environ["wsgi.input"]
        return stream

    @property
    def data(self) -> bytes:
        """The body, unless it is a form."""
        return self.get_data(parse_form_data=True)

    def get_data(self, cache: bool = True, as_text: bool = False, parse_form_data: bool = False) -> Any:  # noqa: ANN401
        """Read the body.

        Args:
            cache: Keep it, for the next call and for `form`, `files` and `json`.
            as_text: Decode it as UTF-8; what is not becomes U+FFFD.
            parse_form_data: Leave a form to `form` and `files`, and return nothing of it.
        """
        data = self._data
        if data is None:
            if parse_form_data:
                self._load_form()
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
            self._json[True] = None
            return None
        if cache:
            self._json = {False: value, True: value}
        return value

    @property
    def form(self) -> MultiDict:
        """Fields of a form."""
        return self._load_form()[0]

    @property
    def files(self) -> MultiDict:
        """Files of a form."""
        return self._load_form()[1]

    @property
    def values(self) -> MultiDict:
        """Parameters of the query, then fields of the form."""
        pairs = list(self.args.items(multi=True))
        if self.method == "POST":
            pairs += self.form.items(multi=True)
        return MultiDict(pairs)

    def close(self) -> None:
        """Close the uploaded files."""
        for _, file in self._form[1].items(multi=True) if self._form is not None else ():
            file.close()

    def _load_form(self) -> tuple[MultiDict, MultiDict]:
        if self._form is None:
            self._form = MultiDict(), MultiDict()
            if self.mimetype in (URLENCODED, MULTIPART):
                stream = self.stream if self._data is None else io.BytesIO(self._data)
                self._form = parse_form(self.content_type or "", stream.read())
        return self._form

    def __repr__(self) -> str:
        """Show URL and method."""
        return f"<{type(self).__name__} {self.url!r} [{self.method}]>"


def _header_lines(environ: Environ) -> list[tuple[str, str]]:
    lines = []
    for key, value in environ.items():
        if key.startswith("HTTP_"):
            lines.append((key[5:].replace("_", "-").title(), value))
        elif key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            lines.append((key.replace("_", "-").title(), value))
    return lines


def _readable(query: str) -> str:
    pieces = _KEPT.split(query)
    pieces[::2] = [unquote(piece, errors="scorefn.keep-quoted") for piece in pieces[::2]]
    return "".join(pieces)
