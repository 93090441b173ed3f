"""Form bodies and cookies for our own request."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import shutil
from email.errors import CloseBoundaryNotFoundDefect, StartBoundaryNotFoundDefect
from email.message import Message
from email.parser import Parser
from email.utils import collapse_rfc2231_value
from http.cookies import SimpleCookie
from typing import IO, Any
from urllib.parse import parse_qsl, quote

from .structures import Headers, MultiDict

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"

_FIELD_CHARSETS = ("ascii", "us-ascii", "utf-8", "iso-8859-1")
"""Those a text field may be in; anything else counts as UTF-8."""

_KEEP_QUOTED = "scorefn.keep-quoted"


def _keep_quoted(error: UnicodeError) -> tuple[str, int]:
    """Leave bytes that are not UTF-8 percent-encoded (IN-1)."""
    assert isinstance(error, UnicodeDecodeError)  # noqa: S101 - registered for decoding only
    return quote(error.object[error.start : error.end], safe=""), error.end


codecs.register_error(_KEEP_QUOTED, _keep_quoted)


class FileStorage:
    """An uploaded file. What it has not of its own is that of `stream`."""

    def __init__(self, stream: IO[bytes], filename: str, name: str, headers: Headers) -> None:
        """Join the content with what the form says of it."""
        self.stream = stream
        self.filename = filename
        self.name = name
        self.headers = headers

    @property
    def content_type(self) -> str | None:
        """As sent."""
        return self.headers.get("Content-Type")

    @property
    def mimetype(self) -> str:
        """Media type in lower case, without parameters."""
        return mimetype_of(self.content_type)

    @property
    def content_length(self) -> int:
        """As sent, which it seldom is; else 0."""
        return max(0, self.headers.get("Content-Length", 0, int))

    def save(self, dst: str | os.PathLike[str] | IO[bytes], buffer_size: int = 16_384) -> None:
        """Write the rest of the content into a file, or into something open, which stays open."""
        with open(dst, "wb") if isinstance(dst, (str, os.PathLike)) else contextlib.nullcontext(dst) as target:
            shutil.copyfileobj(self.stream, target, buffer_size)

    def close(self) -> None:
        """Close the stream."""
        self.stream.close()

    def __bool__(self) -> bool:
        """Tell whether a file was chosen."""
        return bool(self.filename)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """read(), seek(), readline() and the like."""
        return getattr(self.stream, name)

    def __iter__(self) -> Any:  # noqa: ANN401 - lines
        """Iterate over lines."""
        return iter(self.stream)

    def __repr__(self) -> str:
        """Show name and type."""
        return f"<{type(self).__name__}: {self.filename!r} ({self.content_type!r})>"


class _FormMessage(Message):
    """A multipart body, or one part of it, which the parser must leave alone whatever type of file it holds."""

    def get_content_type(self) -> str:
        return MULTIPART if super().get_content_type() == MULTIPART else "application/octet-stream"

    def get_content_maintype(self) -> str:
        return self.get_content_type().partition("/")[0]


def mimetype_of(content_type: str | None) -> str:
    """Media type in lower case, without parameters; empty when there is none."""
    return (content_type or "").partition(";")[0].strip().lower()


def parse_pairs(text: str) -> list[tuple[str, str]]:
    """Split a query string or an urlencoded form."""
    return parse_qsl(text, keep_blank_values=True, errors=_KEEP_QUOTED)


def parse_form(content_type: str, body: bytes) -> tuple[MultiDict, MultiDict]:
    """Read a form body.

    Returns:
        Fields (text) and files (FileStorage); both empty when the body is not what its type says.
    """
    if mimetype_of(content_type) == URLENCODED:
        try:
            return MultiDict(parse_pairs(body.decode())), MultiDict()
        except UnicodeDecodeError:
            return MultiDict(), MultiDict()
    fields: list[tuple[str, str]] = []
    files: list[tuple[str, FileStorage]] = []
    for part in _parts(content_type, body):
        headers = Headers((name, _utf8(value)) for name, value in part.raw_items())
        for header in ("Content-Disposition", "Content-Type"):
            if header in headers:
                part.replace_header(header, headers[header])
        name = _parameter(part, "name")
        if name is None:
            continue
        filename = _parameter(part, "filename")
        if filename is None:
            fields.append((name, _content(part).decode(_charset(part), "replace")))
        else:
            files.append((name, FileStorage(io.BytesIO(_content(part)), filename, name, headers)))
    return MultiDict(fields), MultiDict(files)


def parse_cookies(header: str) -> MultiDict:
    """Read a Cookie header.

    Args:
        header: One character per byte, as WSGI has it.
    """
    found = []
    unquote = SimpleCookie().value_decode
    for piece in header.split(";"):
        name, _, value = (text.strip() for text in piece.partition("="))
        if name:
            found.append((_utf8_of_latin1(name), _utf8_of_latin1(unquote(value)[0])))
    return MultiDict(found)


def _parts(content_type: str, body: bytes) -> list[_FormMessage]:
    # The parser works on text: surrogates stand for the bytes that are not ASCII, and become them again.
    head = f"Content-Type: {content_type}\n\n"
    message = Parser(_FormMessage).parsestr(head + body.decode("ascii", "surrogateescape"))
    broken = (StartBoundaryNotFoundDefect, CloseBoundaryNotFoundDefect)
    if not message.is_multipart() or any(isinstance(defect, broken) for defect in message.defects):
        return []
    return message.get_payload()  # type: ignore[return-value]


def _content(part: _FormMessage) -> bytes:
    del part["Content-Transfer-Encoding"]  # has no meaning in forms (RFC 7578, 4.7)
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)  # noqa: S101 - _FormMessage has no parts of parts
    return content


def _parameter(part: _FormMessage, name: str) -> str | None:
    value = part.get_param(name, header="Content-Disposition")
    return None if value is None else collapse_rfc2231_value(value).replace("%22", '"')


def _charset(part: _FormMessage) -> str:
    charset = part.get_content_charset("utf-8")
    return charset if charset in _FIELD_CHARSETS else "utf-8"


def _utf8(text: Any) -> str:  # noqa: ANN401 - text with surrogates for bytes
    return str(text).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _utf8_of_latin1(text: str) -> str:
    return text.encode("latin-1", "replace").decode("utf-8", "replace")
