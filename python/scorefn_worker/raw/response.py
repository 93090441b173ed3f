"""What AMLResponse is built on where the script's environment has neither Flask nor Werkzeug: status, headers, body."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Callable

from .errors import FlaskNeeded
from .structures import Headers


class Response:
    """One HTTP response. `response` is the body: a list for one that is whole, else an iterable to be streamed."""

    def __init__(self, response: Any, status: Any, content_type: str) -> None:  # noqa: ANN401 - the script's
        """Take the body, the status (a number, or text that begins with one) and the content type."""
        self.headers = Headers([("Content-Type", content_type)])
        self._on_close: list[Callable[[], Any]] = []
        self._code = 200
        self._reason = ""
        self.status = status
        self.response: Any = response
        if isinstance(response, (str, bytes, bytearray)):
            self.set_data(response)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - never returns
        """Say what cookies and the like need."""
        raise FlaskNeeded(f"{name} of an AMLResponse")

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
    def status(self, text: Any) -> None:  # noqa: ANN401 - a number, or text
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
        content_type: str | None = self.headers.get("Content-Type")
        return content_type

    @content_type.setter
    def content_type(self, value: str) -> None:
        self.headers.set("Content-Type", value)

    @property
    def mimetype(self) -> str:
        """Content type in lower case, without parameters."""
        return (self.content_type or "").partition(";")[0].strip().lower()

    @mimetype.setter
    def mimetype(self, value: str) -> None:
        self.content_type = f"{value}; charset=utf-8" if value.startswith("text/") and ";" not in value else value

    @property
    def data(self) -> bytes:
        """The body; one that is streamed is collected."""
        data: bytes = self.get_data()
        return data

    @data.setter
    def data(self, value: Any) -> None:  # noqa: ANN401 - text or bytes
        self.set_data(value)

    def get_data(self, as_text: bool = False) -> Any:  # noqa: ANN401 - bytes, or text
        """Read the body; one that is streamed is collected."""
        if not isinstance(self.response, (list, tuple)):
            self.response = list(self.response)
        data = b"".join(item.encode() if isinstance(item, str) else item for item in self.response)
        return data.decode() if as_text else data

    def set_data(self, value: Any) -> None:  # noqa: ANN401 - text or bytes
        """Replace the body."""
        data = value.encode() if isinstance(value, str) else bytes(value)
        self.response = [data]
        self.headers.set("Content-Length", str(len(data)))

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


def _reason(code: int) -> str:
    try:
        return HTTPStatus(code).phrase.upper()
    except ValueError:
        return "UNKNOWN"
