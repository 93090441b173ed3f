"""Bytes to frames and back; pure, no I/O. The format is described in protocol.py."""

from __future__ import annotations

import json
import struct
from typing import Any, Union

from .protocol import BEGUN, MAX_PAYLOAD_BYTES, RESULT, RUN, RUN_META

Bytes = Union[bytes, bytearray]
Frame = tuple[int, int, Any, int]
"""Type, request id, payload, "begin by" (protocol, §4). The payload is bytes, but for a long RUN body (channel.py)."""

HEAD = struct.Struct("<III")
"""Payload length, then the type with "begin by" in the 24 bits above it, then the request id."""

RESULT_HEAD = struct.Struct("<IIId")
LENGTH = struct.Struct("<I")

HEAD_BYTES = HEAD.size
TYPE_BITS = 8
_TYPE_MASK = 0xFF
_MILLISECONDS_BYTES = 8


_WITH_BEGIN_BY = (RUN, RUN_META)


class FrameError(Exception):
    """The pipe carried something that is not a frame of this protocol."""


def encode(kind: int, request: int, payload: Bytes = b"", begin_by: int = 0) -> bytes:
    """Build a whole frame."""
    return HEAD.pack(len(payload), kind | begin_by << TYPE_BITS, request) + payload


def encode_begun(request: int) -> bytes:
    """Build the frame that says that a waiting request begins."""
    return HEAD.pack(0, BEGUN, request)


def encode_json(kind: int, request: int, value: dict[str, Any]) -> bytes:
    """Build a frame with a JSON payload."""
    return encode(kind, request, json.dumps(value).encode())


def encode_meta(kind: int, request: int, meta: dict[str, Any], body: Bytes = b"", begin_by: int = 0) -> bytes:
    """Build a frame whose payload is meta + body."""
    return meta_head(kind, request, meta, len(body), begin_by) + body


def meta_head(kind: int, request: int, meta: dict[str, Any], size: int, begin_by: int = 0) -> bytes:
    """Build everything of a meta + body frame that precedes the `size` bytes of body. Raises ValueError: too many."""
    text = json.dumps(meta).encode()
    check_size(LENGTH.size + len(text) + size)
    return (
        HEAD.pack(LENGTH.size + len(text) + size, kind | begin_by << TYPE_BITS, request) + LENGTH.pack(len(text)) + text
    )


def check_size(size: int) -> None:
    """Refuse a payload that a frame cannot hold. Raises ValueError with a text for the script's author."""
    if size > MAX_PAYLOAD_BYTES:
        raise ValueError(f"run() gave {size} bytes at once; a worker can send {MAX_PAYLOAD_BYTES}")


def result_head(request: int, milliseconds: float, size: int) -> bytes:
    """Build everything of a RESULT frame that precedes the `size` bytes of JSON. Raises ValueError: too many."""
    check_size(size + _MILLISECONDS_BYTES)
    return RESULT_HEAD.pack(size + _MILLISECONDS_BYTES, RESULT, request, milliseconds)


def split_meta(payload: Bytes) -> tuple[dict[str, Any], memoryview]:
    """Split a meta + body payload; the body is a view and copies nothing.

    Raises:
        FrameError: the payload is shorter than its meta says, or the meta is not JSON.
    """
    text, body = cut_meta(payload)
    try:
        return json.loads(text), body
    except ValueError as error:
        raise FrameError(f"a meta that is not JSON: {error}") from error


def cut_meta(payload: Bytes) -> tuple[bytes, memoryview]:
    """Do the same without reading the meta. Raises FrameError when the payload is shorter than its meta says."""
    if len(payload) < LENGTH.size:
        raise FrameError("a meta + body payload of less than 4 bytes")
    end = LENGTH.size + LENGTH.unpack_from(payload)[0]
    if len(payload) < end:
        raise FrameError(f"a meta of {end - LENGTH.size} bytes in a payload of {len(payload)}")
    return bytes(payload[LENGTH.size : end]), memoryview(payload)[end:]


class FrameReader:
    """Turns bytes that were cut anywhere into whole frames."""

    def __init__(self) -> None:
        """Start with nothing received."""
        self._data: Bytes = b""
        self._at = 0
        self.has_more = False
        """Whether `next` has something to look at."""

    def feed(self, chunk: bytes) -> None:
        """Append what the pipe delivered."""
        if self._at == len(self._data):
            self._data = chunk
        else:
            if not isinstance(self._data, bytearray):
                self._data = bytearray(self._data)
            del self._data[: self._at]
            self._data += chunk
        self._at = 0
        self.has_more = True

    def next(self) -> Frame | None:
        """Take the next whole frame, or None when more bytes are needed.

        Raises:
            FrameError: the head is not one of this protocol.
        """
        data = self._data
        start = self._at + HEAD_BYTES
        if len(data) < start:
            self.has_more = False
            return None
        size, word, request = HEAD.unpack_from(data, self._at)
        kind = word & _TYPE_MASK
        if size > MAX_PAYLOAD_BYTES or (word != kind and kind not in _WITH_BEGIN_BY):
            raise FrameError(f"not a frame head: {bytes(data[self._at : start]).hex(' ')}")
        end = start + size
        if len(data) < end:
            self.has_more = False
            return None
        self._at = end
        return kind, request, data[start:end], word >> TYPE_BITS

    def has_frame(self) -> bool:
        """Tell whether `next` would return a frame."""
        start = self._at + HEAD_BYTES
        return len(self._data) >= start and len(self._data) - start >= self.pending_size()

    def pending_size(self) -> int:
        """Payload length that the incomplete frame at hand announces; 0 while its head is incomplete."""
        if len(self._data) < self._at + HEAD_BYTES:
            return 0
        return int(LENGTH.unpack_from(self._data, self._at)[0])

    def is_midway(self) -> bool:
        """Tell whether part of a frame has been received; true only after `next` returned None."""
        return self._at < len(self._data)

    def take_pending(self) -> tuple[Frame, int]:
        """Take the incomplete frame out: with the part of its payload received so far, and the size of all of it."""
        size, word, request = HEAD.unpack_from(self._data, self._at)
        part = self._data[self._at + HEAD_BYTES :]
        self._data = b""
        self._at = 0
        return (word & _TYPE_MASK, request, part, word >> TYPE_BITS), size
