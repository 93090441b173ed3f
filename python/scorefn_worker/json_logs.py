"""Records as JSON objects with the ids of the request; loaded only where the server writes its log so."""

from __future__ import annotations

import json
import logging
import os
import re
import select
import sys
import time
from collections.abc import Iterator
from typing import Any, Callable

from .logs import PrivateStdout, members
from .request_threads import follow_threads

MAX_LINE_BYTES = min(4096, select.PIPE_BUF)
"""Longest line, the newline included: the most that a pipe keeps together, for server and workers write to the same
one. A longer record comes as several."""

_PART_BYTES = 32
"""Room for `,"part":` and `,"parts":` with numbers of up to seven digits each."""

_SURELY_SHORT = MAX_LINE_BYTES // 4 - 1
"""Characters of which no line is too long, with at most 4 bytes each."""

_NAME_LENGTH = 100
"""Longest name of a logger, a level or an exception, in characters."""

_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029]")
"""A terminal obeys the first, and some readers end a line at the others."""


class JsonFormatter(logging.Formatter):
    """Makes one line of a record, or several of a long one, which have `part` and `parts`."""

    def format(self, record: logging.LogRecord) -> str:
        """Write the record; what Python appends to a message, a traceback say, belongs to the message."""
        record.message = record.getMessage()
        message = super().format(record) if record.exc_info or record.exc_text or record.stack_info else record.message
        seconds, milliseconds = divmod(int(record.created * 1000), 1000)
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
        head = (
            f'{{"time":"{moment}.{milliseconds:03}Z","level":{_text(record.levelname[:_NAME_LENGTH])},'
            f'"logger":{_text(record.name[:_NAME_LENGTH])},"message":'
        )
        tail = f',"pid":{record.process or os.getpid()}{members()},"worker":{os.getpid()}{_error(record)}'
        if len(message) < MAX_LINE_BYTES:
            line = f"{head}{_text(message)}{tail}}}"
            if len(line) <= _SURELY_SHORT or len(line.encode()) < MAX_LINE_BYTES:
                return line
        room = MAX_LINE_BYTES - len(head.encode()) - len(tail.encode()) - _PART_BYTES
        pieces = list(_cut(message, room))
        lines = (f'{head}{piece}{tail},"part":{part},"parts":{len(pieces)}}}' for part, piece in enumerate(pieces, 1))
        return "\n".join(lines)


def _error(record: logging.LogRecord) -> str:
    """Name the exception that a record tells of."""
    error = record.exc_info[0] if isinstance(record.exc_info, tuple) else None
    return "" if error is None else f',"error":{{"type":{_text(error.__name__[:_NAME_LENGTH])}}}'


def _text(text: str) -> str:
    """Write a JSON string that any reader takes."""
    quoted = json.dumps(text, ensure_ascii=False)
    if quoted.isascii() and "\x7f" not in quoted:
        return quoted
    try:
        quoted.encode()
    except UnicodeEncodeError:  # half of a pair is no character
        quoted = quoted.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


def _cut(message: str, room: int) -> Iterator[str]:
    """Yield the message in JSON strings of at most `room` bytes."""
    start = 0
    while start < len(message):
        count = room
        while True:
            text = _text(message[start : start + count])
            size = len(text.encode())
            if size <= room or count == 1:
                break
            count = max(1, min(count, len(message) - start) * room // size)
        yield text
        start += count


class JsonStdout(PrivateStdout):
    """Writes each line of a record with a write of its own, so that none is torn."""

    def __init__(self, level: int = logging.NOTSET) -> None:
        """Take records from `level` on."""
        super().__init__()
        self.setLevel(level)
        self.setFormatter(JsonFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record and never fail."""
        try:
            lines = self.format(record).encode().split(b"\n")
        except (TypeError, ValueError):
            self.handleError(record)
            return
        for line in lines:
            self.write(line + b"\n")


def install() -> tuple[PrivateStdout, Callable[[], None]]:
    """Make the handler of the worker's records.

    Also those are written as JSON that a script leaves to Python: of loggers that it has given no handler, and of
    `logging.basicConfig` without a file or handlers. What the script sets up itself stays as it is.

    Returns:
        The handler, and a function that undoes it in a forked child, whose output is its own.
    """
    plain_basic_config, plain_last_resort = logging.basicConfig, logging.lastResort
    # Each with a descriptor of its own: a logging.json may take the worker's handler away.
    output, console, last_resort = JsonStdout(), JsonStdout(), JsonStdout(logging.WARNING)
    if plain_last_resort is not None:
        logging.lastResort = last_resort  # type: ignore[assignment]

    def basic_config(**options: Any) -> None:  # noqa: ANN401 - as in the original
        to_console = options.get("stream") in (None, sys.stdout, sys.stderr)
        if to_console and options.get("filename") is None and options.get("handlers") is None:
            options = {name: options[name] for name in ("level", "force") if name in options}
            options["handlers"] = [console]
        plain_basic_config(**options)

    logging.basicConfig = basic_config
    follow_threads()

    def undo_in_child() -> None:
        logging.basicConfig = plain_basic_config
        logging.lastResort = plain_last_resort
        console.close_descriptor()
        last_resort.close_descriptor()

    return output, undo_in_child
