"""The worker's end of the pipes on an event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Generator, Sequence
from functools import partial
from typing import Callable

from .channel import RECEIVE_BYTES, Channel, FrontGone, front_gone, long_frame
from .frames import Bytes, Frame
from .protocol import LONG_BODY_BYTES


class AsyncPipe:
    """Channel with non-blocking I/O; sends never wait, what the pipe does not take at once is kept in `unsent`."""

    def __init__(
        self,
        channel: Channel,
        on_received: Callable[[], None],
        on_taken: Callable[[], None],
        on_failure: Callable[[BaseException], None],
    ) -> None:
        """Take the pipes over from `channel`. Must be called on the event loop.

        Args:
            channel: What has been used so far.
            on_received: Called when `received` may have frames. Must take them all.
            on_taken: Called when the pipe has taken what was kept.
            on_failure: Called with FrontGone, FrameError or what `on_received` raised; nothing is received any more.
        """
        self.unsent: deque[memoryview] = deque()
        self._channel = channel
        self._records = channel.records
        self._receiver = channel.receiver
        self._sender = channel.sender
        self._decodes = channel.decodes
        self._reader = channel.reader
        self._loop = asyncio.get_running_loop()
        self._on_received = on_received
        self._on_taken = on_taken
        self._on_failure = on_failure
        self._rooms: Generator[memoryview, int, Frame] | None = None
        """Receives a long frame that has begun to arrive, `_room` next."""
        self._room = memoryview(b"")
        self._long: Frame | None = None
        """A long frame that has arrived."""
        self._receiver.setblocking(False)
        self._sender.setblocking(False)

    def start(self) -> None:
        """Receive from now on; what `channel` has received already comes first."""
        self._loop.add_reader(self._receiver, self._receive)
        self._loop.call_soon(self._hand_on)
        if self._records is not None:
            self._channel.on_loop = partial(self._loop.call_soon_threadsafe, self._send_records)

    def stop(self) -> None:
        """Receive nothing more."""
        self._loop.remove_reader(self._receiver)

    def received(self) -> Frame | None:
        """Take the next frame out of what has been received already, or return None. See Channel.receive."""
        if self._rooms is None:
            return self._reader.next()
        frame, self._long = self._long, None
        if frame is not None:
            self._rooms = None
        return frame

    def receive_more(self) -> None:
        """Receive once what can be had without waiting.

        Raises:
            FrontGone: the pipe is closed.
        """
        if self._rooms is None and self._reader.pending_size() > LONG_BODY_BYTES:
            self._rooms = long_frame(self._reader, decodes=self._decodes)
            self._room = next(self._rooms)
        try:
            if self._rooms is None:
                chunk = self._receiver.recv(RECEIVE_BYTES)
                count = len(chunk)
                self._reader.feed(chunk)
            else:
                count = self._receiver.recv_into(self._room)
        except BlockingIOError:
            return
        except OSError as error:
            raise FrontGone from error
        if count == 0:
            raise FrontGone
        if self._rooms is not None:
            try:
                self._room = self._rooms.send(count)
            except StopIteration as end:
                self._long = end.value

    def _receive(self) -> None:
        """Once, so that the requests under way get their turn between the pieces of a big body."""
        try:
            self.receive_more()
        except BaseException as error:
            self.stop()
            self._on_failure(error)
        else:
            self._hand_on()

    def _hand_on(self) -> None:
        try:
            self._on_received()
        except BaseException as error:
            self.stop()
            self._on_failure(error)

    def send(self, *parts: Bytes) -> None:
        """Send all parts, in one write where the pipe takes them. A closed one is left for `receive` to notice."""
        if self._records is not None and not self.unsent:
            records = self._records.take()
            if records:
                parts = (records, *parts)
        sent = 0 if self.unsent else self._send_some(parts)
        for part in parts:
            if sent < len(part):
                if not self.unsent:
                    self._loop.add_writer(self._sender, self._send_unsent)
                self.unsent.append(memoryview(part)[sent:])
            sent = max(0, sent - len(part))

    def flush(self) -> None:
        """Send everything, waiting as long as that takes, and give the pipe back."""
        self._channel.on_loop = None
        self._sender.setblocking(True)
        while self.unsent:
            part = self.unsent.popleft()
            rest = part[self._send_some((part,)) :]
            if rest:
                self.unsent.appendleft(rest)

    def _send_records(self) -> None:
        """Send what is kept; nothing while the pipe has not taken all frames."""
        if self._records is not None and not self.unsent:
            records = self._records.take()
            if records:
                self.send(records)
            self._records.renew()

    def _send_some(self, parts: Sequence[Bytes | memoryview]) -> int:
        """Send what the pipe takes and return how much that was."""
        try:
            return self._sender.send(parts[0]) if len(parts) == 1 else self._sender.sendmsg(parts)
        except BlockingIOError:
            return 0
        except OSError:
            front_gone(self._sender)
            return sum(map(len, parts))

    def _send_unsent(self) -> None:
        while self.unsent:
            rest = self.unsent[0]
            rest = rest[self._send_some((rest,)) :]
            if rest:
                self.unsent[0] = rest
                return
            self.unsent.popleft()
        self._loop.remove_writer(self._sender)
        self._on_taken()
