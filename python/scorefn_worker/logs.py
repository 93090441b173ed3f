"""The worker's own log records and the print hook (contract LOG-1, LOG-2, LOG-3, LOG-12)."""

from __future__ import annotations

import builtins
import json
import logging
import os
import select
import sys
from contextvars import ContextVar
from typing import Any, Callable

from .logging_config import AMLLogFormatter, apply

SERVER_LOGGER = "azmlinfsrv"
SCRIPT_LOGGER = "azmlinfsrv.user_script"
PRINT_LOGGER = "azmlinfsrv.print"
TRACE_LOGGER = "azmlinfsrv.trace"

request_members: ContextVar[str | bytes] = ContextVar("scorefn_request_members", default="")
"""What all records have, as members of a JSON object, which the current request causes; only where the front wants.
As bytes it is the meta of a request, which nobody has had to read yet: most scripts write nothing."""


def members() -> str:
    """Read what all records have that are written now."""
    found = request_members.get()
    if isinstance(found, str):
        return found
    try:
        text = json.loads(found)["logFields"]
    except (ValueError, TypeError, KeyError):
        text = ""
    request_members.set(text if isinstance(text, str) else "")
    return request_members.get()  # type: ignore[return-value]


_CLOSED = -1


class PrivateStdout(logging.Handler):
    """Writes each record with one write to a descriptor of its own.

    The script may close, replace or redirect its stdout without harm. There is no lock: an interrupt raised while it
    were held would leave it held, and one write is one piece on the pipe.
    """

    def __init__(self) -> None:
        """Duplicate the process's stdout; without one, records go nowhere."""
        super().__init__()
        try:
            self._fd = os.dup(1)
        except OSError:
            self._fd = _CLOSED
        self.setFormatter(AMLLogFormatter())

    def handle(self, record: logging.LogRecord) -> bool:
        """Emit without taking the lock."""
        self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record and never fail: a log line is not worth a request."""
        try:
            data = f"{self.format(record)}\n".encode(errors="backslashreplace")
        except (TypeError, ValueError):
            self.handleError(record)
            return
        self.write(data)

    def write(self, line: bytes) -> None:
        """Write a line, however long it takes the reader to take it."""
        data = memoryview(line)
        while data and self._fd != _CLOSED:
            try:
                data = data[os.write(self._fd, data) :]
            except BlockingIOError:
                select.select((), (self._fd,), ())
            except OSError as error:
                if error.errno is None:
                    raise  # not of the system call: the INTERRUPT of the request that prints
                return

    def close_descriptor(self) -> None:
        """Give the descriptor up."""
        if self._fd != _CLOSED:
            os.close(self._fd)
            self._fd = _CLOSED


def install(level: str, config: dict[str, Any] | None, *, is_json: bool = False) -> Callable[[], None]:
    """Set up logger `azmlinfsrv` and replace the built-in print. The root logger stays as Python made it.

    Args:
        level: Threshold, the name of a level; an unknown one counts as INFO.
        config: Content of the user's logging.json, applied on top.
        is_json: Whether records are JSON objects, apart from those that go where `config` says.

    Returns:
        A function that undoes it in a forked child, whose prints are its own.

    Raises:
        StartFailure: stage "load", when Python refuses the configuration.
    """
    if is_json:
        from . import json_logs  # here, for few need it

        output, undo_json = json_logs.install()
    else:
        output, undo_json = PrivateStdout(), None
    logger = logging.getLogger(SERVER_LOGGER)
    logger.addHandler(output)
    logger.propagate = False
    threshold = logging.getLevelName(level.upper())
    logger.setLevel(threshold if isinstance(threshold, int) else logging.INFO)
    if config is not None:
        # In the reference server these two do not exist yet when the configuration is applied.
        apply(config, spared=(SCRIPT_LOGGER, PRINT_LOGGER))
        if output not in logger.handlers:
            output.close_descriptor()

    if logging.lastResort is not None and not is_json:
        # Where a script sets up no logging, the reference shows records in Python's usual form, not as bare messages.
        logging.lastResort.setFormatter(logging.Formatter(logging.BASIC_FORMAT))
    plain_print = builtins.print
    builtins.print = _hooked(plain_print)

    def undo_in_child() -> None:
        builtins.print = plain_print
        if undo_json is not None:
            undo_json()
        output.close_descriptor()

    return undo_in_child


def _hooked(plain_print: Callable[..., None]) -> Callable[..., None]:
    """Make the print that turns what would go to stdout into records."""
    write = logging.getLogger(PRINT_LOGGER).info

    def print(
        *objects: Any,  # noqa: ANN401 - as in the original
        sep: str | None = " ",
        end: str | None = "\n",
        file: Any = None,  # noqa: ANN401
        flush: bool = False,
    ) -> None:
        """Write the objects as one log record, or to `file` when that is not stdout."""
        if file is None or file is sys.stdout:
            write((" " if sep is None else sep).join(map(str, objects)))
        else:
            plain_print(*objects, sep=sep, end=end, file=file, flush=flush)

    return print
