"""Keeps what the script prints and logs until it leaves for the front (protocol, §9).

The next write on the pipe takes it along, or a thread writes it soon after. No request waits for that, and a pipe that
nobody reads gets nothing.
"""

from __future__ import annotations

import select
import signal
import threading
import time
from collections import deque
from queue import SimpleQueue
from typing import Callable

from .channel import Channel, FrontGone
from .frames import Bytes, encode
from .protocol import RECORDS

MAX_RECORDS = 1_000
"""How many records are taken in a turn. Above some 10,000 lines a second nobody reads them, and to write each costs the
front as much as a small request."""

MAX_BYTES = 262_144
"""How much of them, as JSON: a write that takes all of it along still leaves within a millisecond."""

TURN_S = 0.1
"""How soon a record leaves that no write takes along: soon for whoever looks on, seldom beside what it costs."""

LAST_WAIT_MS = 500
"""How long the end of the process waits for the pipe to take the last records."""


class RecordStore:
    """Keeps records until they are taken: no more in a turn than the limits allow, the others are counted.

    Any thread may add. The lock is one that may be taken twice, for a `__del__` or a signal's handler may come between.
    """

    def __init__(self) -> None:
        """Start empty."""
        self.restart()

    def restart(self) -> None:
        """Forget everything, in a forked worker: what is kept is left to the process that it was forked off."""
        self._lock = threading.RLock()
        self._kept: deque[bytes] = deque()
        self._count = 0
        self._bytes = 0
        self._dropped = 0
        self._wake: SimpleQueue[None] = SimpleQueue()

    def add(self, make: Callable[[], bytes]) -> None:
        """Keep a record, as JSON; it is not made when there is no room."""
        if self._count >= MAX_RECORDS or self._bytes >= MAX_BYTES:
            with self._lock:
                self._dropped += 1
        else:
            record = make()
            with self._lock:
                if self._bytes + len(record) > MAX_BYTES:
                    self._dropped += 1
                else:
                    self._kept.append(record)
                    self._count += 1
                    self._bytes += len(record)
        # After it has been kept: whoever is woken finds it.
        if self._wake.empty():
            self._wake.put(None)

    def take(self) -> bytes:
        """Take out what is kept, as a frame; nothing gives no bytes."""
        if not self._kept and not self._dropped:
            return b""
        records = []
        with self._lock:
            while self._kept:
                records.append(self._kept.popleft())
            dropped, self._dropped = self._dropped, 0
        return encode(RECORDS, 0, b'{"records":[%b],"dropped":%d}' % (b",".join(records), dropped))

    def wait(self) -> None:
        """Wait until something is kept, and then for the end of the turn."""
        self._wake.get()
        time.sleep(TURN_S)

    def renew(self) -> None:
        """Begin a new turn, unless nobody has taken what the last one has brought."""
        with self._lock:
            if not self._kept:
                self._count = self._bytes = 0
            if (self._kept or self._dropped) and self._wake.empty():
                self._wake.put(None)


class RecordingChannel(Channel):
    """A channel whose every write takes along what is kept; a thread of it writes what no other write does."""

    def __init__(self, channel: Channel, records: RecordStore) -> None:
        """Go on with what `channel` has received."""
        super().__init__(channel.receiver, channel.sender)
        self.reader = channel.reader
        self.records: RecordStore = records
        self._writing = threading.RLock()
        self._start()

    def send(self, data: Bytes | memoryview) -> None:
        """Send the records, then all of the data. Raises FrontGone."""
        with self._writing:
            records = self.records.take()
            if records or data:
                super().send(records + data if records else data)

    def send_parts(self, *parts: Bytes) -> None:
        """Send the records, then all parts."""
        with self._writing:
            super().send_parts(self.records.take(), *parts)

    def hand_over(self, wait_ms: int = 0) -> None:
        """Send what is kept, if the pipe has room for it within this time. Raises FrontGone."""
        if self.on_loop is not None:
            self.on_loop()
            return
        poller = select.poll()
        poller.register(self.sender, select.POLLOUT)
        if poller.poll(wait_ms):
            self.send(b"")

    def restart(self) -> None:
        """Begin anew in a forked worker, which has no thread but the one that forked it."""
        super().restart()
        self._writing = threading.RLock()
        self.records.restart()
        self._start()

    def close_in_child(self) -> None:
        """Give the pipe up in a forked child. Another thread may have held the lock when it was forked."""
        self._writing = threading.RLock()
        self.records.restart()
        super().close_in_child()

    def _start(self) -> None:
        thread = threading.Thread(target=self._write_soon, name="scorefn-records", daemon=True)
        # A debugger stops all threads at a breakpoint, but not those that carry this mark.
        thread.pydev_do_not_trace = True  # type: ignore[attr-defined]
        thread.start()

    def _write_soon(self) -> None:
        # A signal that this thread got would not wake the main thread, which is to handle it.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while True:
            self.records.wait()
            try:
                self.hand_over()
            except (FrontGone, OSError, RuntimeError):  # the main thread will find out; or its event loop has ended
                return
            self.records.renew()
