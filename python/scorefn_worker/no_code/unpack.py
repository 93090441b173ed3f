"""Undoes what a request's Content-Encoding says (OIP-14)."""

from __future__ import annotations

import zlib
from typing import Any

from ..failures import BadInput

MAX_UNPACKED_BYTES = 2_047 * 1_048_576
"""Of a body that came compressed: what the server takes at most of one that did not."""

_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
"""What zlib is told of the format; deflate is zlib's own in HTTP."""


def unpack(encoding: str, body: Any) -> bytes:  # noqa: ANN401 - a buffer
    """Unpack a body.

    Raises:
        BadInput: it cannot be unpacked, or is too big then.
    """
    window = _WINDOWS.get(encoding.strip().lower())
    if window is None:
        raise BadInput(f"Unsupported content encoding: {encoding}. Use gzip or deflate.")
    reader = zlib.decompressobj(window)
    try:
        plain = reader.decompress(body, MAX_UNPACKED_BYTES)
    except zlib.error as error:
        raise BadInput(f"The body cannot be unpacked as {encoding}: {error}") from None
    if reader.unconsumed_tail:
        raise BadInput(f"The body takes more than {MAX_UNPACKED_BYTES} bytes when it is unpacked.")
    if not reader.eof or reader.unused_data:
        raise BadInput(f"The body cannot be unpacked as {encoding}: it does not end where it should")
    return plain
