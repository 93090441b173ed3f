"""A request as a model is asked: the path says the protocol."""

from __future__ import annotations

from typing import Any

from .unpack import MAX_UNPACKED_BYTES, unpack

Headers = dict[str, str]


class Request:
    """One request to a model."""

    __slots__ = ("body", "headers", "max_body_bytes", "path")

    def __init__(self, meta: dict[str, Any], body: Any) -> None:  # noqa: ANN401 - a buffer
        """Take what RUN_META carried.

        Args:
            meta: With `path`, and `headers` in lower case, of which only those are there that the protocols know.
            body: Its bytes, a view that is good until run() has returned.
        """
        self.path: str = meta.get("path") or ""
        self.headers: Headers = meta.get("headers", {})
        self.body: Any = body
        self.max_body_bytes: int | None = None
        """Of a body that came compressed, once it is not; None: of frames."""

    def plain_body(self) -> bytes:
        """Take the body's bytes, unpacked where it came compressed.

        Raises:
            BadInput: it cannot be unpacked.
        """
        encoding = self.headers.get("content-encoding")
        if encoding is None:
            return bytes(self.body)
        most = MAX_UNPACKED_BYTES if self.max_body_bytes is None else self.max_body_bytes
        return bytes(unpack(encoding, self.body, most))
