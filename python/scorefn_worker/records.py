"""Hands what the script prints and logs to the front; loaded only where it asks for that (protocol, §9)."""

from __future__ import annotations

import json
import logging
import sys
from functools import lru_cache
from types import FrameType
from typing import Any, Callable

from .channel import Channel
from .logs import PRINT_LOGGER, SERVER_LOGGER, TRACE_LOGGER, members
from .logs import install as install_logs
from .record_channel import RecordingChannel, RecordStore
from .request_threads import follow_threads

MAX_MESSAGE = 32_768
"""Longest message in characters; services that keep records take no more."""


class RecordHandler(logging.Handler):
    """Gives the store each record of the script's own loggers, whoever else writes it."""

    def __init__(self, records: RecordStore) -> None:
        """Take records of level INFO and above."""
        super().__init__(logging.INFO)
        self._records = records
        self._is_open = True

    def close_in_child(self) -> None:
        """Take nothing more: what a forked child writes is its own."""
        self._is_open = False

    def handle(self, record: logging.LogRecord) -> bool:
        """Emit without taking the lock, which an INTERRUPT could leave held."""
        self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the record and never fail, but for the INTERRUPT of the request that writes it."""
        if self._is_open and _is_scripts(record.name):
            try:
                self._records.add(lambda: _encode(record))
            except Exception as error:
                if isinstance(error, OSError) and error.errno is None:
                    raise
        last = logging.lastResort
        if last is not None and record.levelno >= last.level and not self._has_company(record):
            last.handle(record)

    def _has_company(self, record: logging.LogRecord) -> bool:
        """Tell whether the record has another handler; one that has none is Python's to write."""
        logger: logging.Logger | None = logging.getLogger(record.name)
        while logger is not None:
            if any(handler is not self for handler in logger.handlers):
                return True
            logger = logger.parent if logger.propagate else None
        return False


def install(channel: Channel, config: dict[str, Any] | None) -> tuple[RecordingChannel, Callable[[], None]]:
    """Hand over the script's records from now on.

    Args:
        channel: The pipe so far.
        config: Content of the user's logging.json, which has been applied.

    Returns:
        The pipe to use instead, and a function that undoes it in a forked child.
    """
    follow_threads()
    records = RecordStore()
    handler = RecordHandler(records)
    # Not to the script's loggers themselves: that would make them, and a configuration may treat those that exist
    # differently.
    logging.getLogger(SERVER_LOGGER).addHandler(handler)
    for name in (config or {}).get("loggers") or ():
        logger = logging.getLogger(name)
        if _is_scripts(name) and not logger.propagate:
            logger.addHandler(handler)
    return RecordingChannel(channel, records), handler.close_in_child


def _is_scripts(logger: str) -> bool:
    return logger in (PRINT_LOGGER, TRACE_LOGGER) or logger.startswith((f"{PRINT_LOGGER}.", f"{TRACE_LOGGER}."))


_formatter = logging.Formatter()
_PRINT_FILE = install_logs.__code__.co_filename
"""Where the print is that makes records."""


def _encode(record: logging.LogRecord) -> bytes:
    """Write a record as RECORDS has it; what Python appends to a message, a traceback say, belongs to the message."""
    decorated = record.exc_info or record.exc_text or record.stack_info
    message = _formatter.format(record) if decorated else record.getMessage()
    known = members()
    fields = f',"fields":{{{known[1:]}}}' if known else ""
    text = (
        f'{{"time":{int(record.created * 1000)},"level":"{_level(record.levelno)}","logger":{_quoted(record.name)},'
        f'"message":{_quoted(_cut(message))}{fields}{_place_of(record)}}}'
    )
    # Half of a pair is no character; as an escape any reader takes it.
    return text.encode(errors="backslashreplace")


_quoted = json.JSONEncoder(ensure_ascii=False).encode


def _cut(message: str) -> str:
    if len(message) <= MAX_MESSAGE:
        return message
    note = f"… [cut, of {len(message)} characters]"
    return message[: MAX_MESSAGE - len(note)] + note


def _level(number: int) -> str:
    """Name a level; those of the script's own count as the one below."""
    if number < logging.WARNING:
        return "INFO"
    if number < logging.ERROR:
        return "WARNING"
    return "ERROR" if number < logging.CRITICAL else "CRITICAL"


def _place_of(record: logging.LogRecord) -> str:
    """Tell where the record was written; of one that was printed, where print() was called."""
    if record.pathname != _PRINT_FILE:
        return _place(record.pathname, record.lineno, record.funcName or "")
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and not (frame.f_code.co_name == "print" and frame.f_code.co_filename == _PRINT_FILE):
        frame = frame.f_back
    caller = None if frame is None else frame.f_back
    return "" if caller is None else _place(caller.f_code.co_filename, caller.f_lineno, caller.f_code.co_name)


@lru_cache(maxsize=256)
def _place(file: str, line: int, function: str) -> str:
    return f',"place":{{"file":{_quoted(file)},"line":{line},"function":{_quoted(function)}}}'
