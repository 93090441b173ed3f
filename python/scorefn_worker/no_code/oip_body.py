"""Bodies of the Open Inference Protocol: compressed or not, JSON with or without bytes behind it."""

from __future__ import annotations

import zlib
from typing import NamedTuple

from ..failures import BadInput

HEADER_LENGTH = "inference-header-content-length"

MAX_UNPACKED_BYTES = 2_047 * 1_048_576
"""Of a body that came compressed: what the server takes at most of one that did not."""

LEVEL = 1
"""Of compression: on the way to the client speed counts more than size, and tensors of floats hardly shrink anyway."""

_WINDOWS = {"gzip": 31, "deflate": 15}
"""What zlib is told of the format; deflate is zlib's own in HTTP."""

_MAX_DIGITS = 400
"""Of a length: as many as Python reads without a second thought."""

_SHOWN_LENGTH = 20
"""Characters of the header that a message repeats."""


class Parts(NamedTuple):
    """A body's two parts; without JSON it is one tensor and no more (OIP-9)."""

    json: memoryview | None
    binary: memoryview


def split(headers: dict[str, str], body: bytes | bytearray | memoryview, most: int) -> Parts:
    """Unpack a body and part it as the header says.

    Args:
        headers: Of the request, in lower case.
        body: As it came.
        most: How many bytes it may have once it is decompressed.

    Raises:
        BadInput: it cannot be unpacked, or the header does not fit.
    """
    plain = _unpack(headers.get("content-encoding", ""), body, most)
    text = headers.get(HEADER_LENGTH)
    if text is None:
        return Parts(plain, plain[len(plain) :])
    length = int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else None
    if length is None or length > len(plain):
        raise BadInput(f"inference header size should be in range (0, {len(plain)}), got: {text[:_SHOWN_LENGTH]}")
    return Parts(plain[:length] if length > 0 else None, plain[length:])


def _unpack(encoding: str, body: bytes | bytearray | memoryview, most: int) -> memoryview:
    kind = encoding.strip().lower()
    if kind in ("", "identity"):
        return memoryview(body)
    window = _WINDOWS.get(kind)
    if window is None:
        raise BadInput(f"Unsupported compression type: {encoding}; gzip and deflate are known")
    pieces = []
    room = most
    packed: bytes | bytearray | memoryview = body
    while True:
        reader = zlib.decompressobj(window)
        try:
            piece = reader.decompress(packed, room + 1)
        except zlib.error as error:
            raise BadInput(f"the body is not {kind} as its Content-Encoding says: {error}") from None
        room -= len(piece)
        if room < 0:
            raise BadInput(f"the body has more than {most} bytes once it is decompressed")
        if not reader.eof:
            raise BadInput(f"the body is not {kind} as its Content-Encoding says: unexpected end of file")
        pieces.append(piece)
        packed = reader.unused_data
        if not packed:
            return memoryview(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        if window == _WINDOWS["deflate"]:
            raise BadInput(f"the body is not {kind} as its Content-Encoding says: bytes follow its end")


def choose_encoding(accepted: str) -> str | None:
    """Choose how to compress an answer; the client's favourite, else the first it names."""
    best, weight = None, 0.0
    for entry in accepted.lower().split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        quality = _quality(parameters)
        if name in ("gzip", "deflate") and quality > weight:
            best, weight = name, quality
    return best


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter[2:])
            except ValueError:
                return 0.0
    return 1.0


def pack(encoding: str, body: bytes) -> bytes:
    """Compress an answer."""
    writer = zlib.compressobj(LEVEL, zlib.DEFLATED, _WINDOWS[encoding])
    return writer.compress(body) + writer.flush()
