"""Ends the worker when the front has gone, whatever its script is doing then.

The front never writes on descriptor 5, so nothing happens there until it closes, which is when the front has gone.
On Linux the kernel itself kills the process then: no thread has to get Python's lock for it, so a native call that
holds the lock, a breakpoint and SIGSTOP are no hindrance. The order belongs to this process: a forked child inherits
the descriptor but not the end. Our own writes on the descriptor (the fault handler's text) do not trigger it: the
kernel tells of new room only those whose write has failed for want of it, and ours wait.

Elsewhere a thread waits for the end.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import stat
import sys
import threading
import time

from .protocol import EXIT_STOPPED, FAULT_FD

LIFELINE_FD = FAULT_FD

NOTICE_S = 0.5
"""How long the main thread has to notice the end by itself before the watching thread ends the process under it."""

_leftover: str | None = None
"""The unix socket of a front that can no longer remove it."""

_CLOSED = select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0)


def hold() -> None:
    """From now on this process ends with the front. To be called again in a worker that was forked off another.

    Without a lifeline nothing is done: somebody runs the worker by hand.
    """
    try:
        mode = os.fstat(LIFELINE_FD).st_mode
        os.set_inheritable(LIFELINE_FD, False)
    except OSError:
        return
    # A pipe would count each read of the front as an event.
    if not (sys.platform == "linux" and stat.S_ISSOCK(mode) and _die_at_end()):
        thread = threading.Thread(target=_watch, name="scorefn-lifeline", daemon=True)
        # A debugger stops all threads at a breakpoint, but not those that carry this mark.
        thread.pydev_do_not_trace = True  # type: ignore[attr-defined]
        thread.start()
    # It may have closed before.
    if _is_closed(timeout_ms=0):
        _end()


def remove_at_end(path: str | None) -> None:
    """When the front has gone, remove its unix socket and the folder in which that lies. On Linux the socket has no
    file, which is as well, for the kernel ends the process there."""
    global _leftover
    _leftover = None if path is None or path.startswith("\0") else path


def clean_up() -> None:
    """Remove what the front has left behind."""
    if _leftover is not None:
        with contextlib.suppress(OSError):
            os.unlink(_leftover)
            os.rmdir(os.path.dirname(_leftover))


def _die_at_end() -> bool:
    """Have the kernel send SIGKILL; False where it cannot."""
    with contextlib.suppress(OSError, AttributeError):
        fcntl.fcntl(LIFELINE_FD, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(LIFELINE_FD, fcntl.F_SETSIG, signal.SIGKILL)
        flags = fcntl.fcntl(LIFELINE_FD, fcntl.F_GETFL)
        fcntl.fcntl(LIFELINE_FD, fcntl.F_SETFL, flags | os.O_ASYNC)
        return bool(fcntl.fcntl(LIFELINE_FD, fcntl.F_GETFL) & os.O_ASYNC)
    return False


def _watch() -> None:
    _is_closed(timeout_ms=None)
    time.sleep(NOTICE_S)
    _end()


def _end() -> None:
    clean_up()
    os._exit(EXIT_STOPPED)


def _is_closed(timeout_ms: int | None) -> bool:
    poller = select.poll()
    poller.register(LIFELINE_FD, _CLOSED)
    return bool(poller.poll(timeout_ms))
