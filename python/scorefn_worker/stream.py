"""A streamed answer: its frames and its credit (protocol, §6). No I/O, so both loops use it."""

from __future__ import annotations

import json
from time import perf_counter
from typing import Any

from .frames import LENGTH, Bytes, check_size, encode, encode_meta
from .protocol import CHUNK, END, RESPONSE, STREAM_CREDIT_BYTES

TEXT_TYPE = "text/plain; charset=utf-8"
BYTES_TYPE = "application/octet-stream"
JSON_LINES_TYPE = "application/x-ndjson"


class Stream:
    """Turns the items of a generator into frames.

    `credit` is what may still be sent, in bytes; one chunk may overdraw it. `failure_kind` is the kind of ERROR that an
    exception of this moment makes.
    """

    def __init__(self, request: int, started: float, *, begun: bool = False) -> None:
        """Begin the answer of a request.

        Args:
            request: Its id.
            started: When its run() was called (perf_counter).
            begun: Whether the RESPONSE frame has been sent.
        """
        self.credit = STREAM_CREDIT_BYTES
        self.failure_kind = "stream" if begun else "run"
        self._request = request
        self._started = started
        self._begun = begun

    def encode(self, item: Any) -> bytes:  # noqa: ANN401 - whatever the script yields
        """Make the frames of one item; the first one brings the RESPONSE frame, an empty one makes none."""
        self.failure_kind = "stream" if self._begun else "result"
        content_type, data = _render(item)
        check_size(len(data))
        if not data:
            self.failure_kind = "stream" if self._begun else "run"
            return b""
        head = b"" if self._begun else self._head(content_type, streamed=True)
        self._begun = True
        self.failure_kind = "stream"
        self.credit -= len(data)
        return head + encode(CHUNK, self._request, data)

    def end(self) -> bytes:
        """Make the frame that completes the answer."""
        return encode(END, self._request) if self._begun else self._head(TEXT_TYPE, streamed=False)

    def _head(self, content_type: str, *, streamed: bool) -> bytes:
        """Make the RESPONSE frame; run()'s time includes the way to the first item, for a generator's work is there."""
        meta = {
            "status": 200,
            "headers": [["content-type", content_type]],
            "execMs": (perf_counter() - self._started) * 1000,
            "stream": streamed,
            "fromScript": False,
        }
        return encode_meta(RESPONSE, self._request, meta)


def credit_of(payload: Bytes) -> int:
    """Read the payload of a CREDIT frame, in bytes."""
    return int(LENGTH.unpack_from(payload)[0])


def _render(item: Any) -> tuple[str, bytes]:  # noqa: ANN401
    """Render one item: the content type it decides when it is the first, and its bytes."""
    if isinstance(item, (bytes, bytearray, memoryview)):
        return BYTES_TYPE, bytes(item)
    if isinstance(item, str):
        return TEXT_TYPE, item.encode()
    return JSON_LINES_TYPE, f"{json.dumps(item)}\n".encode()
