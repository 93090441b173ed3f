"""The response of scripts whose environment has neither Flask nor Werkzeug: the members of theirs that scripts use."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime, formatdate
from http import HTTPStatus
from http.cookies import SimpleCookie
from typing import Any, Callable

from .forms import mimetype_of
from .headers import DEFAULT_TYPE
from .structures import Headers

_PLAIN_COOKIE = re.compile(r"[\w!#$%&'()*+\-./:<=>?@[\]^`{|}~]*", re.ASCII)

_Expires = Any
"""A date: text, seconds since 1970, or a datetime, which is UTC when it does not say."""


class Response:
    """One HTTP response. `response` is the body: a list for one that is whole, else an iterable to be streamed."""

    def __init__(
        self,
        response: Any = None,  # noqa: ANN401 - text, bytes, an iterable of either, or wrong
        status: Any = None,  # noqa: ANN401 - a number, or text that begins with one
        headers: Any = None,  # noqa: ANN401 - pairs or a mapping
        mimetype: str | None = None,
        content_type: str | None = None,
    ) -> None:
        """Take what Flask's class of this name takes."""
        self.headers = Headers(headers)
        if content_type is None and (mimetype is not None or "Content-Type" not in self.headers):
            content_type = DEFAULT_TYPE if mimetype is None else _with_charset(mimetype)
        if content_type is not None:
            self.headers.set("Content-Type", content_type)
        self._on_close: list[Callable[[], Any]] = []
        self._code = 200
        self._reason = ""
        if isinstance(status, (str, bytes)):
            self.status = status if isinstance(status, str) else status.decode()
        else:
            self.status_code = 200 if status is None else status
        self.response: Any = []
        if isinstance(response, (str, bytes, bytearray)):
            self.set_data(response)
        elif response is not None:
            self.response = response

    @property
    def status_code(self) -> int:
        """Status."""
        return self._code

    @status_code.setter
    def status_code(self, code: int) -> None:
        if not isinstance(code, int):
            raise TypeError(f"a status is a whole number or text, not {type(code).__name__}")
        self._code = int(code)
        self._reason = _reason(self._code)

    @property
    def status(self) -> str:
        """Status with its reason phrase."""
        return f"{self._code} {self._reason}"

    @status.setter
    def status(self, text: str) -> None:
        if not isinstance(text, str):
            self.status_code = text
            return
        number, _, reason = text.strip().partition(" ")
        if not number:
            raise ValueError("Empty status argument")
        try:
            self._code = int(number)
        except ValueError:
            self._code, self._reason = 0, text.strip()
        else:
            self._reason = reason.strip() or _reason(self._code)

    @property
    def content_type(self) -> str | None:
        """Content type with its parameters."""
        return self.headers.get("Content-Type")

    @content_type.setter
    def content_type(self, value: str) -> None:
        self.headers.set("Content-Type", value)

    @property
    def mimetype(self) -> str:
        """Content type in lower case, without parameters."""
        return mimetype_of(self.content_type)

    @mimetype.setter
    def mimetype(self, value: str) -> None:
        self.headers.set("Content-Type", _with_charset(value))

    @property
    def content_length(self) -> int | None:
        """The header of this name."""
        return self.headers.get("Content-Length", None, int)

    @property
    def is_sequence(self) -> bool:
        """Whether the body is whole."""
        return isinstance(self.response, (list, tuple))

    @property
    def is_streamed(self) -> bool:
        """Whether the body comes piece by piece."""
        return not hasattr(self.response, "__len__")

    @property
    def data(self) -> bytes:
        """The body; one that is streamed is collected."""
        return self.get_data()

    @data.setter
    def data(self, value: Any) -> None:  # noqa: ANN401 - text or bytes
        self.set_data(value)

    def get_data(self, as_text: bool = False) -> Any:  # noqa: ANN401 - bytes, or text
        """Read the body; one that is streamed is collected."""
        if not self.is_sequence:
            self.response = list(self.response)
        data = b"".join(self.iter_encoded())
        return data.decode() if as_text else data

    def set_data(self, value: Any) -> None:  # noqa: ANN401 - text or bytes
        """Replace the body."""
        data = value.encode() if isinstance(value, str) else bytes(value)
        self.response = [data]
        self.headers.set("Content-Length", str(len(data)))

    def iter_encoded(self) -> Iterator[Any]:
        """Iterate over the body, text as UTF-8."""
        return (item.encode() if isinstance(item, str) else item for item in self.response)

    @property
    def is_json(self) -> bool:
        """Whether the content type says JSON."""
        return self.mimetype == "application/json" or self.mimetype.endswith("+json")

    @property
    def json(self) -> Any:  # noqa: ANN401 - any JSON value
        """The body read as JSON, None when the content type says something else."""
        return self.get_json()

    def get_json(self, force: bool = False, silent: bool = False) -> Any:  # noqa: ANN401
        """Read the body as JSON. Raises ValueError unless `silent`."""
        if not (force or self.is_json):
            return None
        try:
            return json.loads(self.get_data())
        except ValueError:
            if silent:
                return None
            raise

    def set_cookie(
        self,
        key: str,
        value: str = "",
        max_age: timedelta | int | None = None,
        expires: _Expires = None,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool = False,
        httponly: bool = False,
        samesite: str | None = None,
        partitioned: bool = False,
    ) -> None:
        """Add a Set-Cookie line.

        Args:
            max_age: Seconds it is kept.
            samesite: Strict, Lax or None, as text.
            partitioned: Also makes it secure.

        Raises:
            ValueError: `samesite` is something else, or a value has line breaks.
        """
        if isinstance(max_age, timedelta):
            max_age = int(max_age.total_seconds())
        if expires is None and max_age is not None:
            expires = datetime.now(timezone.utc) + timedelta(seconds=max_age)
        if samesite is not None and samesite.title() not in ("Strict", "Lax", "None"):
            raise ValueError("SameSite must be 'Strict', 'Lax', or 'None'.")
        attributes = {
            "Domain": domain and domain.partition(":")[0].lstrip("."),
            "Expires": None if expires is None else _http_date(expires),
            "Max-Age": max_age,
            "Secure": secure or partitioned,
            "HttpOnly": httponly,
            "Path": path,
            "SameSite": samesite and samesite.title(),
            "Partitioned": partitioned,
        }
        pieces = [f"{key}={_quoted(value)}"]
        for name, setting in attributes.items():
            if setting is True:
                pieces.append(name)
            elif setting is not None and setting is not False:
                pieces.append(f"{name}={setting}")
        self.headers.add("Set-Cookie", "; ".join(pieces))

    def delete_cookie(self, key: str, path: str | None = "/", domain: str | None = None, **more: Any) -> None:  # noqa: ANN401
        """Add a Set-Cookie line that makes the client forget a cookie."""
        self.set_cookie(key, expires=0, max_age=0, path=path, domain=domain, **more)

    def call_on_close(self, func: Callable[[], Any]) -> Callable[[], Any]:
        """Have `func` called when the response has been sent, or given up."""
        self._on_close.append(func)
        return func

    def close(self) -> None:
        """Close the body and call what `call_on_close` was given."""
        close = getattr(self.response, "close", None)
        if close is not None:
            close()
        for func in self._on_close:
            func()

    def __repr__(self) -> str:
        """Show size and status."""
        size = f"{len(self.get_data())} bytes" if self.is_sequence else "streamed"
        return f"<{type(self).__name__} {size} [{self.status}]>"


def _reason(code: int) -> str:
    try:
        return HTTPStatus(code).phrase.upper()
    except ValueError:
        return "UNKNOWN"


def _quoted(value: str) -> str:
    """Quote the value of a cookie where it needs that."""
    if _PLAIN_COOKIE.fullmatch(value):
        return value
    return SimpleCookie().value_encode(value.encode().decode("latin-1"))[1]


def _with_charset(mimetype: str) -> str:
    return f"{mimetype}; charset=utf-8" if mimetype.startswith("text/") and ";" not in mimetype else mimetype


def _http_date(value: _Expires) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        aware = value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)
        return format_datetime(aware, usegmt=True)
    return formatdate(value, usegmt=True)
