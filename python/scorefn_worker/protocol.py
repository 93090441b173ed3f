"""Types, version and limits of the worker protocol.

A score script runs in a process of its own. The front process (`src/pool/`) and the worker (`python/` for Python,
`src/node-worker/` for JavaScript and TypeScript) talk over two one-way pipes, file descriptors 3 and 4 of the worker;
stdout and stderr stay the script's own. Both ends write frames: a head of 12 bytes, then the payload. The head is the
payload's length in bytes (4 bytes, the head not counted), the type (1 byte), "begin by" of a request that waits
(3 bytes, otherwise zero) and the request id (4 bytes; 0 for frames that belong to no request); numbers are unsigned and
little-endian. The worker is the authority on what has begun. docs/worker-protocol.md is the whole story; the golden
frames in test/fixtures/frames keep both ends to it, the scenarios beside them both task loops.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import Any, Callable, TypedDict

PROTOCOL_VERSION = 2

TO_WORKER_FD = 3
FROM_WORKER_FD = 4
FAULT_FD = 5
"""The lifeline; the text of a crash is all that is ever written on it."""

# Front to worker.
HELLO = 1
RUN = 2
RUN_META = 3
INTERRUPT = 4
CREDIT = 5
STOP = 6
RECALL = 7
FORK = 8

# Worker to front.
WORKER_HELLO = 33
LOADED = 34
READY = 35
FAILED = 36
RESULT = 37
RESPONSE = 38
CHUNK = 39
END = 40
ERROR = 41
RECALLED = 42
FORKED = 43
FORK_ENDED = 44
BEGUN = 45
RECORDS = 46

MAX_PAYLOAD_BYTES = 2_147_483_647
"""Largest payload a frame may announce."""

STREAM_CREDIT_BYTES = 262_144
"""CHUNK payload a stream may send before the first CREDIT."""

LONG_BODY_BYTES = 262_144
"""Payloads above this are received in place (RUN bodies decoded as they arrive) instead of through the frame reader."""

TICK_MS = 8
"""Unit of "begin by"."""

LEASE_TICKS = 125
"""How far in the future "begin by" may lie: 1,000 ms, which is as long as the front lets a request wait in a pipe."""

TICK_NS = TICK_MS * 1_000_000
TICKS = 0xFFFFFF
"""Ticks are counted modulo 2^24."""

EXIT_STOPPED = 0
EXIT_FAULT = 1
EXIT_NO_PIPE = 2
EXIT_FAILED = 3


# The front says "begin by" on the clock of process.hrtime(). On Linux that is CLOCK_MONOTONIC, as for time.monotonic();
# on macOS time.monotonic() stands still while the machine sleeps, and the front's clock does not.
monotonic_ns: Callable[[], int] = (
    partial(time.clock_gettime_ns, time.CLOCK_MONOTONIC_RAW) if sys.platform == "darwin" else time.monotonic_ns
)
"""Reads the clock that front and worker share, in nanoseconds."""


def is_in_time(begin_by: int, now_ns: int) -> bool:
    """Tell whether a waiting request may still begin (§4). SyncLoop and Inbox, which ask for each request, do without
    the call."""
    return 0 < (begin_by - now_ns // TICK_NS) & TICKS <= LEASE_TICKS


class Location(TypedDict):
    """Where a script failed; `file` is relative to the app root, `line` and `column` count from 1."""

    file: str
    line: int
    column: int | None
    function: str | None
    source: str | None


class _ReportBase(TypedDict):
    type: str
    message: str
    traceback: str
    location: Location | None


class Report(_ReportBase, total=False):
    """What the worker knows of an exception."""

    codeFrame: str
    hint: str


class Record(TypedDict):
    """A log record for the front to write on logger `azmlinfsrv`."""

    level: str
    message: str


class Settings:
    """The front's HELLO, as far as the worker uses it."""

    def __init__(self, hello: dict[str, Any]) -> None:
        """Read the fields of a HELLO payload; absent ones get the value that changes nothing."""
        self.app_root: str = hello.get("appRoot") or "."
        self.entry_script: str | None = hello.get("entryScript")
        self.model: dict[str, Any] | None = hello.get("model")
        """Is served in place of a script: its `kind`, `path` and `name`."""
        self.source_directory: str | None = hello.get("sourceDirectory")
        self.concurrency: int = max(1, int(hello.get("concurrency") or 1))
        self.log_level: str = hello.get("logLevel") or "INFO"
        self.logging: dict[str, Any] | None = hello.get("logging")
        self.log_format: str = hello.get("logFormat") or "text"
        self.strict: bool = bool(hello.get("strict"))
        self.records: bool = bool(hello.get("records"))
        self.fresh: bool = bool(hello.get("fresh"))
        self.debug_port: int | None = hello.get("debugPort")
        self.fork_socket: str | None = hello.get("forkSocket")
        self.fork_secret: str = hello.get("forkSecret", "")


def error_record(message: str) -> Record:
    """Make a record of level ERROR."""
    return {"level": "ERROR", "message": message}
