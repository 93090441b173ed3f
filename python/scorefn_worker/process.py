"""What concerns the worker as a process: descriptors, signals, forks, its end."""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import os
import signal
import socket
import stat
import sys
import threading
import time
from typing import Callable

from .protocol import EXIT_NO_PIPE, FAULT_FD, FROM_WORKER_FD, TO_WORKER_FD

EXIT_LIMIT_S = 3.0
"""How long the script's exit handlers may take."""

EXECUTORS_LIMIT_S = 1.0
"""How long of that the script's pools may take: what they still run is nobody's any more."""

FRONT_GONE_GRACE_S = 0.5
"""How long the main thread has to notice the closed pipe itself before the process is ended under it."""

_caught: dict[int, Callable[[int, object], None]] = {}
"""The signal handlers of the worker; empty in its forked children."""

_at_end: list[Callable[[], None]] = []
"""What the worker itself still has to do when everything of the script's is done."""

_forking = threading.local()
"""What a fork under way in this thread is to do: `mask`, the signals blocked before it; `keeps`, stay a worker."""


def claim_pipes() -> tuple[socket.socket, socket.socket]:
    """Take over descriptor 3, to receive on, and 4, to send on, hidden from everything the script starts. Exits when
    there are no such pipes."""
    return _claim_pipe(TO_WORKER_FD), _claim_pipe(FROM_WORKER_FD)


def _claim_pipe(number: int) -> socket.socket:
    try:
        os.set_inheritable(number, False)
        pipe = socket.socket(fileno=number)
    except OSError:
        text = f"worker.py is started by scorefn and does nothing by itself: descriptor {number} is not a socket.\n"
        sys.stderr.write(text)
        sys.exit(EXIT_NO_PIPE)
    pipe.setblocking(True)
    return pipe


def enable_fault_handler() -> None:
    """Have fatal signals dump their tracebacks on descriptor 5, or on stderr where there is none (LOG-16)."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        faulthandler.enable(file=FAULT_FD if _claim_fault_pipe() else sys.stderr)


def _claim_fault_pipe() -> bool:
    try:
        mode = os.fstat(FAULT_FD).st_mode
    except OSError:
        return False
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return False
    os.set_inheritable(FAULT_FD, False)
    return True


def catch(number: int, handler: Callable[[int, object], None]) -> None:
    """Handle a signal in this process, but not in children it forks."""
    _caught[number] = handler
    signal.signal(number, handler)


def ignore_stop_signals() -> None:
    """Let SIGINT and SIGTERM do nothing: they reach the whole group (Ctrl+C, a container's stop) while requests still
    run. The front ends its workers, by STOP, by closing the pipe or by SIGKILL. A handler and not SIG_IGN, for that
    would be inherited by programs the script starts."""
    for number in (signal.SIGINT, signal.SIGTERM):
        catch(number, _do_nothing)


def _do_nothing(_number: int, _frame: object) -> None:
    pass


def release_in_children(*releases: Callable[[], None]) -> None:
    """Have each forked child call `releases` and forget that it was a worker.

    A child that falls back into the worker's loop finds the pipe closed there and ends.
    """

    # A child that is sent a signal right after the fork must get it, not lose it to the handlers it inherited.
    def before() -> None:
        _forking.mask = signal.pthread_sigmask(signal.SIG_BLOCK, _caught)

    def after() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, _forking.mask)

    def after_in_child() -> None:
        # The child's own children have nothing more to release: descriptors and handlers are the script's there.
        if _caught and not getattr(_forking, "keeps", False):
            for release in releases:
                release()
            _release_signals()
            _release_fault_pipe()
        after()

    os.register_at_fork(before=before, after_in_parent=after, after_in_child=after_in_child)


def fork_worker() -> int:
    """Fork a child that keeps what makes it a worker: handlers, log, descriptors.

    Returns:
        The child's process id; 0 in the child.

    Raises:
        OSError: the system has no room for another process.
    """
    _forking.keeps = True
    try:
        return os.fork()
    finally:
        _forking.keeps = False


def _release_signals() -> None:
    for number, handler in _caught.items():
        if signal.getsignal(number) == handler:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    _caught.clear()


def _release_fault_pipe() -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        if _claim_fault_pipe():
            os.close(FAULT_FD)
        faulthandler.enable(file=sys.stderr)


def at_end(action: Callable[[], None]) -> None:
    """Have `leave` call this last of all."""
    _at_end.append(action)


def leave(code: int, *, limit_s: float | None = EXIT_LIMIT_S) -> None:
    """End the process with `code`, whatever threads the script left running.

    Args:
        code: The exit code.
        limit_s: Seconds for the script's exit handlers; None skips them.
    """

    def end_late() -> None:
        time.sleep(FRONT_GONE_GRACE_S if limit_s is None else limit_s)
        os._exit(code)

    threading.Thread(target=end_late, daemon=True).start()
    if limit_s is not None:
        _end_executors()
        # Not by sys.exit(): Python would first wait for the script's non-daemon threads, without limit.
        with contextlib.suppress(BaseException):
            atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    for action in _at_end:
        with contextlib.suppress(Exception):
            action()
    os._exit(code)


def _end_executors() -> None:
    """Let the pools of concurrent.futures and loky end their children, which would outlive the worker otherwise."""
    calls = list(reversed(getattr(threading, "_threading_atexits", ())))

    def end() -> None:
        for call in calls:
            with contextlib.suppress(BaseException):
                call()

    if calls:
        thread = threading.Thread(target=end, daemon=True)
        thread.start()
        thread.join(EXECUTORS_LIMIT_S)
