"""From RUN and RUN_META frames to the arguments of run()."""

from __future__ import annotations

from typing import Any

from .frames import split_meta
from .protocol import RUN
from .script import Script


def read_request(script: Script, kind: int, payload: Any) -> dict[str, Any]:  # noqa: ANN401 - as Frame
    """Make the keyword arguments of run().

    Raises:
        UnicodeDecodeError, BadText: the body is not UTF-8 (IN-7).
        FrameError: the payload is not meta + body.
    """
    if kind == RUN:
        return script.arguments(_text(payload))
    meta, body = split_meta(payload)
    return script.arguments(str(body, "utf-8"), meta.get("headers") or {})


def _text(payload: Any) -> str:  # noqa: ANN401
    """Decode a RUN body; a long one comes decoded, or as the reason why it could not be (channel.py)."""
    if isinstance(payload, (bytes, bytearray)):
        return payload.decode()
    if isinstance(payload, str):
        return payload
    raise payload
