"""The preload process: loads the script once and forks the workers (contract PROC-2; protocol, §8)."""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import struct
import sys

from . import lifeline
from .channel import Channel, FrontGone
from .frames import Frame, encode_json
from .process import catch, fork_worker
from .protocol import FAULT_FD, FORK, FORK_ENDED, FORKED, FROM_WORKER_FD, STOP, TO_WORKER_FD

_ROLES = (TO_WORKER_FD, FROM_WORKER_FD, FAULT_FD)
"""The descriptors that the connections of roles 0, 1 and 2 become."""

_PREAMBLE = struct.Struct("<16sII")
"""What a connection to the front begins with: the secret, number of the fork, role of the connection."""


def fork_workers(channel: Channel, path: str, secret: str) -> bool:
    """Fork a worker for each FORK until the front says STOP. Returns twice or more: once here, once in each worker.

    Args:
        channel: The pipe of this process. In a worker it is connected to the front anew and knows nothing of before.
        path: The unix socket on which the front awaits the workers.
        secret: What tells them from strangers, hexadecimal.

    Returns:
        True in a worker; False here, when there is nothing left to do.

    Raises:
        FrontGone: the front is gone.
    """
    # What is there now is shared with the workers; a collection that touches all of it would copy it.
    gc.collect()
    gc.freeze()
    forks = _Forks(channel)
    while True:
        kind, number, *_ = forks.wait()
        if kind == STOP:
            return False
        if kind == FORK and forks.start(number) == 0:
            forks.forget()
            _become_worker(channel, path, bytes.fromhex(secret), number)
            return True


class _Forks:
    """The workers that this process has forked, and the signal that says that one has ended."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._numbers: dict[int, int] = {}
        self._before = signal.getsignal(signal.SIGCHLD) or signal.SIG_DFL
        self._woken, self._wake = socket.socketpair()
        self._woken.setblocking(False)
        self._wake.setblocking(False)
        catch(signal.SIGCHLD, lambda _number, _frame: None)
        self._wakeup_before = signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)

    def wait(self) -> Frame:
        """Return the next frame of the front; tell of workers that end meanwhile."""
        poller = select.poll()
        poller.register(self._channel.receiver, select.POLLIN)
        poller.register(self._woken, select.POLLIN)
        while not self._channel.reader.has_frame():
            ready = [descriptor for descriptor, _ in poller.poll()]
            if self._woken.fileno() in ready:
                with contextlib.suppress(BlockingIOError):
                    self._woken.recv(4096)
                self._reap()
            if self._channel.receiver.fileno() in ready:
                break
        return self._channel.receive()

    def start(self, number: int) -> int:
        """Fork worker `number` and say so. Returns its process id, 0 in it, -1 when it cannot be had."""
        # What the script has written so far must not come out of every worker once more.
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        try:
            pid = fork_worker()
        except OSError as error:
            self._channel.send(encode_json(FORK_ENDED, number, {"code": None, "signal": None, "error": str(error)}))
            return -1
        if pid > 0:
            self._numbers[pid] = number
            self._channel.send(encode_json(FORKED, number, {"pid": pid}))
        return pid

    def forget(self) -> None:
        """In a worker: the others are none of its business."""
        signal.set_wakeup_fd(self._wakeup_before)
        signal.signal(signal.SIGCHLD, self._before)
        self._woken.close()
        self._wake.close()

    def _reap(self) -> None:
        for pid, number in list(self._numbers.items()):
            try:
                ended, status = os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                # A wait() of the script's has taken it, and nobody can say how it ended.
                ended, status = pid, None
            if ended == 0:
                continue
            del self._numbers[pid]
            self._channel.send(encode_json(FORK_ENDED, number, _describe(status)))


def _become_worker(channel: Channel, path: str, secret: bytes, number: int) -> None:
    """Put connections of this worker's own in the places of the preload process's pipes, so that whatever knows their
    descriptors goes on with them.

    Raises:
        FrontGone: nobody awaits this worker any more.
    """
    lifeline.remove_at_end(None)  # That is left to the preload process.
    for role, descriptor in enumerate(_ROLES):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.setblocking(True)  # whatever default the script has set
            try:
                connection.connect(path)
                connection.sendall(_PREAMBLE.pack(secret, number, role))
            except (ConnectionError, FileNotFoundError) as error:
                raise FrontGone from error
            os.dup2(connection.fileno(), descriptor, inheritable=False)
    lifeline.hold()
    channel.restart()


def _describe(status: int | None) -> dict[str, object]:
    """Turn the status of a child into what FORK_ENDED says."""
    code = None if status is None else os.waitstatus_to_exitcode(status)
    return (
        {"code": code, "signal": None} if code is None or code >= 0 else {"code": None, "signal": _signal_name(-code)}
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
