"""Undoes what a request's Content-Encoding says (OIP-14)."""

from __future__ import annotations

import zlib
from typing import Any

from ..failures import BadInput

MAX_UNPACKED_BYTES = 2_047 * 1_048_576
"""Of a body that came compressed: what the server takes at most of one that did not."""

WINDOWS = {"gzip": 31, "deflate": 15}
"""What zlib is told of the format; deflate is zlib's own in HTTP."""


def unpack(encoding: str, body: Any, most: int = MAX_UNPACKED_BYTES) -> Any:  # noqa: ANN401 - buffers
    """Unpack a body; one that is not packed is returned as it is.

    Args:
        encoding: The request's Content-Encoding.
        body: As it came.
        most: Bytes that may come out.

    Raises:
        BadInput: it cannot be unpacked, or is too big then.
    """
    kind = encoding.strip().lower()
    if kind in ("", "identity"):
        return body
    window = WINDOWS.get(kind)
    if window is None:
        raise BadInput(f"Unsupported compression type: {encoding}; gzip and deflate are known")
    fault = f"the body is not {kind} as its Content-Encoding says: "
    pieces = []
    room = most
    while True:
        reader = zlib.decompressobj(window)
        try:
            piece = reader.decompress(body, room + 1)
        except zlib.error as error:
            raise BadInput(f"{fault}{error}") from None
        room -= len(piece)
        if room < 0:
            raise BadInput(f"the body has more than {most} bytes once it is decompressed")
        if not reader.eof:
            raise BadInput(f"{fault}unexpected end of file")
        pieces.append(piece)
        body = reader.unused_data
        if not body:
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)
        # Files of gzip may follow one another.
        if kind != "gzip":
            raise BadInput(f"{fault}bytes follow its end")
