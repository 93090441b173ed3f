"""Starts a server and takes in orphans: `process_one.py <program> <arguments>`. For a server that is process 1.

Whatever a score script leaves behind becomes a child of process 1, which is to wait for its end. Node.js waits for the
processes that it has started itself and for no others, so each of these would stay in the process table for ever. This
process stands between: the system gives the orphans of all processes below to it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys

PR_SET_CHILD_SUBREAPER = 36
"""Of prctl(2)."""

FORWARDED = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)

STARTED_FD = 3
"""A byte on this descriptor says that the server has been started; without it process 1 serves by itself."""

EXIT_NOT_STARTED = 127
EXIT_BY_SIGNAL = 128
"""What a shell says, too."""


def main(command: list[str]) -> int:
    """Run the command to its end and return its exit code."""
    if not _take_orphans():
        return EXIT_NOT_STARTED
    # A signal that comes too early for its handler waits.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
    server = os.fork()
    if server == 0:
        os.close(STARTED_FD)
        _start(command, mask)
    os.write(STARTED_FD, b".")
    os.close(STARTED_FD)

    def forward(number: int, _frame: object) -> None:
        # It may have ended just now.
        with contextlib.suppress(ProcessLookupError):
            os.kill(server, number)

    for number in FORWARDED:
        signal.signal(number, forward)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    while True:
        pid, status = os.wait()
        if pid == server:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else EXIT_BY_SIGNAL - code


def _take_orphans() -> bool:
    try:
        import ctypes

        return ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    except (ImportError, OSError, AttributeError):
        return False


def _start(command: list[str], mask: set[signal.Signals]) -> None:
    try:
        # Python ignores them, and a program inherits that.
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.execv(command[0], command)  # noqa: S606 - a shell is what is not wanted
    finally:
        os._exit(EXIT_NOT_STARTED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
