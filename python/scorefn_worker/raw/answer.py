"""From the HTTP response a script returned to what crosses the pipe (contract OUT-2 to OUT-6, OUT-8)."""

from __future__ import annotations

import sys
import traceback
from collections.abc import AsyncGenerator, Generator, Iterator
from types import AsyncGeneratorType
from typing import Any, Union

from ..frames import Bytes, meta_head
from ..protocol import RESPONSE

_JSON_TYPES = frozenset((dict, list, str, int, float, bool, tuple, type(None)))
"""Types that most results are of, and no response is."""

_RESPONSE_CLASSES = (
    ("werkzeug.wrappers", "Response"),
    (f"{__package__}.response", "Response"),
    (f"{__package__.rpartition('.')[0]}.no_code.answers", "Answer"),
)
"""Modules and names of classes. Never imported for the sake of a look: without the module there is no object."""

_NOT_MODIFIED = 304

_BODYLESS = (204, _NOT_MODIFIED)

_OF_THE_BODY = frozenset(f"content-{what}" for what in ("encoding", "language", "length", "md5", "range", "type"))
"""Headers that make no sense with 304, which is about a body the client has already."""

_URL_CHARS = "".join(chr(code) for code in range(0x21, 0x7F))

Items = Union[Generator[Bytes, None, None], AsyncGenerator[Bytes, None]]


def is_response(result: Any) -> bool:  # noqa: ANN401 - whatever run() returned
    """Tell whether a result is an HTTP response: ours, a model's, Werkzeug's or Flask's, AMLResponse included."""
    if type(result) in _JSON_TYPES:
        return False
    for module, name in _RESPONSE_CLASSES:
        kind = getattr(sys.modules.get(module), name, None)
        if isinstance(kind, type) and isinstance(result, kind):
            return True
    return False


class Answer:
    """A response read."""

    def __init__(self, response: Any, *, is_head: bool, is_async: bool) -> None:  # noqa: ANN401 - is_response
        """Read status, headers and, where it is whole, the body.

        `items` is None for a body that is whole, or that is not sent; `is_stream` also holds for the latter.

        Args:
            response: The script's response.
            is_head: Whether the request was HEAD: a body that streams is then not begun.
            is_async: Whether run() is async, so that the body may be.

        Raises:
            TypeError: the body is not made of text and bytes.
        """
        self._response = response
        self._closed = False
        self.status = int(response.status_code)
        self.headers = [
            [name, _header_value(name, value)]
            for name, value in response.headers
            if self.status != _NOT_MODIFIED or name.lower() not in _OF_THE_BODY
        ]
        self.body: Bytes = b""
        self.items: Items | None = None
        self.is_stream = False
        body = response.response
        if isinstance(body, (list, tuple)):
            pieces = [_encoded(item) for item in body]
            self.body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        elif self.status in _BODYLESS:
            pass
        elif is_head:
            self.is_stream = True
        else:
            self.items = self._items_of(body, is_async=is_async)
            self.is_stream = True

    def head(self, request: int, milliseconds: float) -> bytes:
        """Make the RESPONSE frame without its body; of a stream that is all of it, and END or CHUNK follows."""
        meta = {
            "status": self.status,
            "headers": self.headers,
            "execMs": milliseconds,
            "stream": self.is_stream,
            "fromScript": True,
        }
        return meta_head(RESPONSE, request, meta, len(self.body))

    def close(self) -> None:
        """Release what the response holds, once. What fails then cannot be answered any more, only shown."""
        if self._closed:
            return
        self._closed = True
        try:
            self._response.close()
        except BaseException:
            traceback.print_exc()

    def _items_of(self, body: Any, *, is_async: bool) -> Items:  # noqa: ANN401 - an iterable, or wrong
        if not hasattr(body, "__aiter__"):
            return self._send(iter(body))
        if not is_async:
            raise TypeError("the body of the HTTP response is an async iterable; run() must be async to return one")
        return self._send_async(body)

    def _send(self, pieces: Iterator[Any]) -> Generator[Bytes, None, None]:
        try:
            for piece in pieces:
                yield _encoded(piece)
        finally:
            self.close()

    async def _send_async(self, pieces: Any) -> AsyncGenerator[Bytes, None]:  # noqa: ANN401 - an async iterable
        try:
            async for piece in pieces:
                yield _encoded(piece)
        finally:
            if isinstance(pieces, AsyncGeneratorType):
                await pieces.aclose()
            self.close()


def _encoded(item: Any) -> Bytes:  # noqa: ANN401 - text or bytes, or wrong
    if isinstance(item, (bytes, bytearray)):
        return item
    if isinstance(item, str):
        return item.encode()
    raise TypeError(f"the body of an HTTP response must be text or bytes; this one has a value of {type(item)}")


def _header_value(name: str, value: Any) -> str:  # noqa: ANN401
    text = str(value)
    if name.lower() not in ("location", "content-location"):
        return text
    from urllib.parse import quote  # here, for it takes its time and few need it

    # Addresses are written as people read them, and sent as URLs.
    return quote(text, safe=_URL_CHARS)
