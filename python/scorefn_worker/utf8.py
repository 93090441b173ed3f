"""Strict UTF-8 decoding of request bodies, whole or while they arrive (contract IN-6, IN-7)."""

from __future__ import annotations

from codecs import utf_8_decode
from collections.abc import Generator

from .frames import Bytes

PIECE_BYTES = 1024 * 1024
"""Long bodies are received and decoded in pieces of at most this size, so that they cost their own size and no more."""


class BadText(ValueError):
    """A body that is not UTF-8; the message is Python's own reason, with positions counted from the body's start."""


def decode_pieces(size: int, first: Bytes) -> Generator[memoryview, int, str | BadText]:
    """Decode a body of `size` bytes while it arrives; pure, the caller receives.

    Yields memory to receive into and is sent the number of bytes that came. A body that turns out not to be UTF-8 is
    taken to its end all the same, for the next frame begins there.

    Args:
        size: Bytes of the whole body, more than `first` has.
        first: The part received already.

    Returns:
        The text, or the reason why it is none; raised, the reason would keep this frame and its memory alive.
    """
    room = memoryview(bytearray(max(PIECE_BYTES, len(first) + 4)))
    text = ""
    error = None
    start = 0
    held = received = len(first)
    room[:held] = first
    while True:
        try:
            # A local name and `+=`: CPython then grows the string where it is instead of copying it for every piece.
            piece, used = utf_8_decode(room[:held], "strict", received == size)
            text += piece
        except UnicodeDecodeError as caught:
            error = BadText(_reason(caught, start))
            break
        start += used
        if received == size:
            return text
        rest = bytes(room[used:held])
        held = len(rest)
        room[:held] = rest
        count = yield room[held : held + size - received]
        held += count
        received += count
    text = ""
    while received < size:
        received += yield room[: size - received]
    return error


def _reason(error: UnicodeDecodeError, offset: int) -> str:
    """Word the error as Python does, for a piece that begins `offset` bytes into the body."""
    start = error.start + offset
    last = error.end - 1 + offset
    what = f"byte 0x{error.object[error.start]:02x} in position {start}"
    if last > start:
        what = f"bytes in position {start}-{last}"
    return f"'utf-8' codec can't decode {what}: {error.reason}"
