"""From the meta and the body of a request to a WSGI environ, which Flask and our own request are both made of."""

from __future__ import annotations

import io
import sys
from typing import Any

Environ = dict[str, Any]


class BodyReader(io.RawIOBase):
    """Reads a body where it lies, so that a big one is copied once, when the script takes it."""

    def __init__(self, body: memoryview) -> None:
        """Start at the beginning."""
        super().__init__()
        self._body = body
        self._at = 0

    def readable(self) -> bool:
        """It always is."""
        return True

    def seekable(self) -> bool:
        """What was read can be read again."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; positions outside the body become its nearest end."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._body)}[whence]
        self._at = min(max(0, start + offset), len(self._body))
        return self._at

    def readinto(self, room: Any) -> int:  # noqa: ANN401 - any writable buffer
        """Copy the next bytes into `room`; 0 at the end."""
        part = self._body[self._at : self._at + len(room)]
        room[: len(part)] = part
        self._at += len(part)
        return len(part)

    def readall(self) -> bytes:
        """Copy all the rest at once."""
        rest = bytes(self._body[self._at :])
        self._at = len(self._body)
        return rest


def make_environ(meta: dict[str, Any], body: memoryview) -> Environ:
    """Make the WSGI environ of a request.

    Args:
        meta: That of RUN_META for scripts that take the request (protocol, §4).
        body: The whole body.
    """
    from urllib.parse import unquote_to_bytes  # here, for it takes its time and only raw scripts need it

    headers: dict[str, str] = meta.get("headers", {})
    server, _, port = headers.get("host", "localhost").rpartition(":")
    environ: Environ = {
        "REQUEST_METHOD": meta.get("method") or "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes((meta.get("path") or "/").encode(errors="surrogatepass")).decode("latin-1"),
        "QUERY_STRING": _latin1(meta.get("query") or ""),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": server if port.isdigit() else headers.get("host", "localhost"),
        "SERVER_PORT": port if port.isdigit() else "80",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BufferedReader(BodyReader(body)),
        # The body is all there: it ends where it ends, whatever Content-Length says, or does not say.
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if meta.get("remoteAddress"):
        environ["REMOTE_ADDR"] = meta["remoteAddress"]
    for name, value in headers.items():
        # WSGI cannot tell `_` from `-` in a name, which makes such headers a way to forge others (IN-21).
        if "_" not in name:
            key = name.upper().replace("-", "_")
            environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = _latin1(value)
    return environ


def _latin1(text: str) -> str:
    """Write text as WSGI wants it: each character one byte of what was sent."""
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:  # a cloud host has decoded it already
        return text.encode(errors="surrogatepass").decode("latin-1")
    return text
