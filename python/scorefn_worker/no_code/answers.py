"""What run() of a model returns, for the loops to send."""

from __future__ import annotations

from ..frames import Bytes

_OK = 200


class JsonText:
    """A result whose JSON text is made already. It becomes RESULT."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        """Take the text."""
        self.text = text


class Answer:
    """A body of any type with headers of its own. It becomes RESPONSE, with the attributes that raw/answer.py reads."""

    def __init__(self, headers: list[tuple[str, str]], body: Bytes, *, status: int = _OK) -> None:
        """Take headers and body, which is sent in one piece."""
        self.status_code = status
        self.headers = headers
        self.response = [body]

    def close(self) -> None:
        """Hold nothing open."""
