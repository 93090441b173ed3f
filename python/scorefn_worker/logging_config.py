"""Applies the user's logging.json (contract LOG-5 to LOG-8)."""

from __future__ import annotations

import logging
import time
from typing import Any, Literal

from .failures import StartFailure, chain
from .protocol import Record

BUILT_IN_FORMAT = "%(asctime)s %(levelname).1s [%(process)d] %(name)s - %(message)s"

_HINT = "Correct logging.json, or take it away; what it may hold: Python's documentation of logging.config.dictConfig."


class LoggingConfigRefused(Exception):
    """Python cannot apply the user's logging.json (contract LOG-6)."""


class AMLLogFormatter(logging.Formatter):
    """LOG-7: time in UTC, and the built-in format unless another is given."""

    converter = time.gmtime

    def __init__(
        self, fmt: str | None = BUILT_IN_FORMAT, datefmt: str | None = None, style: Literal["%", "{", "$"] = "%"
    ) -> None:
        """Take what the class of this name in the reference server takes."""
        super().__init__(fmt=fmt, datefmt=datefmt, style=style)


class RootAccessFilter(logging.Filter):
    """LOG-7: stops the access records of liveness probes."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let everything else pass."""
        return "GET / HTTP/1.1" not in record.getMessage()


def apply(config: dict[str, Any], spared: tuple[str, ...]) -> None:
    """Apply a configuration.

    Args:
        config: Content of the file.
        spared: Loggers that the configuration does not silence by not naming them.

    Raises:
        StartFailure: stage "load".
    """
    import logging.config  # here, for it takes its time and few need it

    try:
        logging.config.dictConfig(config)
    except BaseException as error:  # SystemExit in a module it imports is a failure like any other
        refused = LoggingConfigRefused(f"Invalid config file!: logging.json: {_reason(error)}")
        refused.__cause__ = error
        record: Record = {"level": "CRITICAL", "message": str(refused)}
        raise StartFailure("load", refused, [record], hint=_HINT) from error
    for name in spared:
        logging.getLogger(name).disabled = False


def _reason(error: BaseException) -> str:
    """Join what Python says of the failure, from the section down to the value."""
    texts = [str(link) or type(link).__name__ for link in chain(error)]
    return ": ".join(text for index, text in enumerate(texts) if not any(text in seen for seen in texts[:index]))
