"""The worker's end of the pipes on an event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Callable

from .channel import RECEIVE_BYTES, Channel, FrontGone, front_gone, long_frame
from .frames import Bytes, Frame
from .protocol import LONG_BODY_BYTES


class AsyncPipe:
    """Channel with non-blocking I/O; sends never wait, what the pipe does not take at once is kept."""

    def __init__(self, channel: Channel, on_taken: Callable[[], None]) -> None:
        """Take the pipes over from `channel`. Must be called on the event loop.

        Args:
            channel: What has been used so far.
            on_taken: Called when the pipe has taken what was kept.
        """
        self._receiver = channel.receiver
        self._sender = channel.sender
        self._decodes = channel.decodes
        self._reader = channel.reader
        self._loop = asyncio.get_running_loop()
        self._unsent: deque[memoryview] = deque()
        self._on_taken = on_taken
        self._receiver.setblocking(False)
        self._sender.setblocking(False)

    @property
    def is_behind(self) -> bool:
        """Whether there is something that the pipe has not taken yet."""
        return bool(self._unsent)

    async def receive(self) -> Frame:
        """Wait for the next frame; see Channel.receive."""
        reader = self._reader
        while True:
            frame = reader.next()
            if frame is not None:
                return frame
            if reader.pending_size() > LONG_BODY_BYTES:
                return await self._receive_long()
            try:
                chunk = await self._loop.sock_recv(self._receiver, RECEIVE_BYTES)
            except OSError as error:
                raise FrontGone from error
            if not chunk:
                raise FrontGone
            reader.feed(chunk)

    def received(self) -> Frame | None:
        """Take the next frame out of what has been received already, or return None."""
        return self._reader.next()

    def send(self, *parts: Bytes) -> None:
        """Send all parts, in one write where the pipe takes them. A closed one is left for `receive` to notice."""
        sent = 0 if self._unsent else self._send_some(parts)
        for part in parts:
            if sent < len(part):
                if not self._unsent:
                    self._loop.add_writer(self._sender, self._send_unsent)
                self._unsent.append(memoryview(part)[sent:])
            sent = max(0, sent - len(part))

    def flush(self) -> None:
        """Send everything, waiting as long as that takes."""
        self._sender.setblocking(True)
        while self._unsent:
            part = self._unsent.popleft()
            rest = part[self._send_some((part,)) :]
            if rest:
                self._unsent.appendleft(rest)

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
        while self._unsent:
            rest = self._unsent[0]
            rest = rest[self._send_some((rest,)) :]
            if rest:
                self._unsent[0] = rest
                return
            self._unsent.popleft()
        self._loop.remove_writer(self._sender)
        self._on_taken()

    async def _receive_into(self, room: memoryview) -> int:
        try:
            count = await self._loop.sock_recv_into(self._receiver, room)
        except OSError as error:
            raise FrontGone from error
        if count == 0:
            raise FrontGone
        await asyncio.sleep(0)  # the requests under way get their turn between two pieces
        return count

    async def _receive_long(self) -> Frame:
        rooms = long_frame(self._reader, decodes=self._decodes)
        try:
            room = next(rooms)
            while True:
                room = rooms.send(await self._receive_into(room))
        except StopIteration as end:
            frame: Frame = end.value
            return frame
