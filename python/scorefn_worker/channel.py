"""The worker's end of the pipes with blocking I/O."""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Callable

from .frames import Bytes, Frame, FrameReader
from .protocol import EXIT_STOPPED, LONG_BODY_BYTES, RUN
from .utf8 import decode_pieces

if TYPE_CHECKING:
    from .record_channel import RecordStore

RECEIVE_BYTES = 65_536
"""One receive may drain a whole window of waiting requests."""

MIDWAY_WAIT_MS = 100
"""How long a look for an INTERRUPT waits for the rest of a frame that has begun to arrive."""

JOIN_BYTES = 65_536
"""Up to this size a copy into one buffer is cheaper than a gathered write."""


class FrontGone(Exception):
    """The front closed the pipe, or died."""


def front_gone(sock: socket.socket) -> FrontGone:
    """Make the exception for a failed send. In a forked child that fell back into the loop, end the process instead."""
    if sock.fileno() < 0:
        os._exit(EXIT_STOPPED)
    return FrontGone()


class Channel:
    """Receives frames in order and sends each frame with one write.

    `decodes` says whether long RUN bodies are UTF-8 text to be decoded while they arrive; otherwise they stay bytes.
    """

    records: RecordStore | None = None
    """What each write is to take along; see record_channel.py."""
    on_loop: Callable[[], None] | None = None
    """Has an event loop write what is kept, while that owns the pipe. May be called in any thread."""

    def __init__(self, receiver: socket.socket, sender: socket.socket) -> None:
        """Take over two connected, blocking stream sockets, each used in one direction."""
        self.receiver = receiver
        self.sender = sender
        self.decodes = True
        self.reader = FrameReader()

    def receive(self) -> Frame:
        """Wait for the next frame. A long RUN body comes decoded, as str or BadText, where `decodes` says so.

        Raises:
            FrontGone: the pipe is closed.
            FrameError: the pipe carries something else than frames.
        """
        reader = self.reader
        while True:
            frame = reader.next()
            if frame is not None:
                return frame
            if reader.pending_size() > LONG_BODY_BYTES:
                return self._receive_long()
            reader.feed(self._receive_some())

    def receive_more(self) -> bool:
        """Receive once what can be had without waiting. False when there is nothing, or the pipe is closed, which is
        left for `receive` to notice."""
        try:
            chunk = self.receiver.recv(RECEIVE_BYTES, socket.MSG_DONTWAIT)
        except OSError:
            return False
        self.reader.feed(chunk)
        return bool(chunk)

    def drain(self) -> Iterator[Frame]:
        """Take out all frames that can be had without waiting. Blocks for at most MIDWAY_WAIT_MS without progress, and
        only while a frame is in the middle of arriving."""
        while True:
            frame = self.reader.next()
            if frame is not None:
                yield frame
            elif not (
                self.receive_more() or (self.reader.is_midway() and self._wait_readable() and self.receive_more())
            ):
                return

    def restart(self) -> None:
        """Forget what came before: the descriptors have been connected anew."""
        self.reader = FrameReader()

    def send(self, data: Bytes | memoryview) -> None:
        """Send all of it.

        Raises:
            FrontGone: nobody is there to read it.
        """
        try:
            self.sender.sendall(data)
        except OSError as error:
            raise front_gone(self.sender) from error

    def send_parts(self, *parts: Bytes) -> None:
        """Send parts that are too big to be copied into one, in one write as far as the system takes them."""
        try:
            sent = self.sender.sendmsg(parts)
        except OSError as error:
            raise front_gone(self.sender) from error
        for part in parts:
            if sent < len(part):
                Channel.send(self, memoryview(part)[sent:])
            sent = max(0, sent - len(part))

    def close_in_child(self) -> None:
        """Give the pipe up in a forked child, which must neither answer nor hold it open."""
        self.receiver.close()
        self.sender.close()

    def _receive_some(self) -> bytes:
        try:
            chunk = self.receiver.recv(RECEIVE_BYTES)
        except OSError as error:
            raise FrontGone from error
        if not chunk:
            raise FrontGone
        return chunk

    def _receive_into(self, room: memoryview) -> int:
        try:
            count = self.receiver.recv_into(room)
        except OSError as error:
            raise FrontGone from error
        if count == 0:
            raise FrontGone
        return count

    def _receive_long(self) -> Frame:
        rooms = long_frame(self.reader, decodes=self.decodes)
        try:
            room = next(rooms)
            while True:
                room = rooms.send(self._receive_into(room))
        except StopIteration as end:
            frame: Frame = end.value
            return frame

    def _wait_readable(self) -> bool:
        poller = select.poll()
        poller.register(self.receiver, select.POLLIN)
        return bool(poller.poll(MIDWAY_WAIT_MS))


def long_frame(reader: FrameReader, *, decodes: bool) -> Generator[memoryview, int, Frame]:
    """Receive the rest of a frame above LONG_BODY_BYTES in place: yields room for bytes, is sent how many came.

    Args:
        reader: Has read the frame's head.
        decodes: Whether the body of a RUN is text, to be decoded while it arrives.

    Returns:
        The frame.
    """
    (kind, request, part, begin_by), size = reader.take_pending()
    if kind == RUN and decodes:
        return kind, request, (yield from decode_pieces(size, part)), begin_by
    payload = bytearray(size)
    view = memoryview(payload)
    view[: len(part)] = part
    filled = len(part)
    while filled < size:
        filled += yield view[filled:]
    return kind, request, payload, begin_by
