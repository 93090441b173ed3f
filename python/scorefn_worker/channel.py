"""The worker's end of the pipe with blocking I/O."""

from __future__ import annotations

import os
import select
import socket
from collections import deque
from collections.abc import Generator

from .frames import Bytes, Frame, FrameReader, encode, encode_json, result_head
from .protocol import EXIT_STOPPED, LONG_BODY_BYTES, RECALL, RECALLED, RUN, RUN_META
from .utf8 import decode_pieces

RECEIVE_BYTES = 65_536
"""One receive may drain a whole window of waiting requests."""

MIDWAY_WAIT_MS = 100
"""How long a look for an INTERRUPT waits for the rest of a frame that has begun to arrive."""

_JOIN_BYTES = 65_536
"""Up to this size a copy into one buffer is cheaper than a gathered write."""


class FrontGone(Exception):
    """The front closed the pipe, or died."""


def front_gone(sock: socket.socket) -> FrontGone:
    """Make the exception for a failed send. In a forked child that fell back into the loop, end the process instead."""
    if sock.fileno() < 0:
        os._exit(EXIT_STOPPED)
    return FrontGone()


def encode_recalled(requests: list[int]) -> bytes:
    """Build the answer to a RECALL."""
    return encode_json(RECALLED, 0, {"ids": requests})


class Channel:
    """Receives frames in order and sends each frame with one write.

    `later` holds frames that were taken off the pipe while their turn had not come; `receive` hands them out first.
    `decodes` says whether long RUN bodies are UTF-8 text to be decoded while they arrive; otherwise they stay bytes.
    """

    def __init__(self, sock: socket.socket) -> None:
        """Take over a connected, blocking stream socket."""
        self.sock = sock
        self.decodes = True
        self.later: deque[Frame] = deque()
        self.reader = FrameReader()

    def receive(self) -> Frame:
        """Wait for the next frame. A long RUN body comes decoded, as str or BadText, where `decodes` says so.

        Raises:
            FrontGone: the pipe is closed.
            FrameError: the pipe carries something else than frames.
        """
        return self.later.popleft() if self.later else self._receive_next()

    def receive_for(self, request: int) -> Frame:
        """Wait for the next frame of this request and let those of other requests keep their turn."""
        for index, frame in enumerate(self.later):
            if frame[1] == request:
                del self.later[index]
                return frame
        while True:
            frame = self._receive_next()
            if frame[1] == request:
                return frame
            self.later.append(frame)
            self.give_back()

    def find(self, kind: int, request: int) -> Frame | None:
        """Take the first frame of this type and request out of what is held or can be had now, or return None.

        Blocks for at most MIDWAY_WAIT_MS without progress, and only while a frame is in the middle of arriving.
        """
        self._drain()
        for index, frame in enumerate(self.later):
            if frame[0] == kind and frame[1] == request:
                del self.later[index]
                return frame
        return None

    def has_frame(self) -> bool:
        """Tell whether a whole frame has been received already."""
        if not self.later:
            frame = self.reader.next()
            if frame is not None:
                self.later.append(frame)
        return bool(self.later)

    def restart(self) -> None:
        """Forget what came before: the descriptor of `sock` has been connected anew."""
        self.later.clear()
        self.reader = FrameReader()

    def give_back(self) -> None:
        """Answer a RECALL that is held: forget the requests received before it, which nobody has begun."""
        held = list(self.later)
        position = next((index for index, frame in enumerate(held) if frame[0] == RECALL), None)
        if position is None:
            return
        before = held[:position]
        self.later.clear()
        self.later.extend(frame for frame in before if frame[0] not in (RUN, RUN_META))
        self.later.extend(held[position + 1 :])
        self.send(encode_recalled([frame[1] for frame in before if frame[0] in (RUN, RUN_META)]))

    def send(self, data: Bytes | memoryview) -> None:
        """Send all of it. Raises FrontGone when nobody is there to read them."""
        try:
            self.sock.sendall(data)
        except OSError as error:
            raise front_gone(self.sock) from error

    def send_frame(self, kind: int, request: int, payload: Bytes = b"") -> None:
        """Send one frame."""
        self.send(encode(kind, request, payload))

    def send_result(self, request: int, milliseconds: float, text: str) -> None:
        """Send a RESULT frame."""
        body = text.encode()
        self.send_joined(result_head(request, milliseconds, len(body)), body)

    def send_joined(self, head: bytes, body: Bytes) -> None:
        """Send a frame whose head is apart; a big body is not copied to join the two."""
        if len(body) <= _JOIN_BYTES:
            self.send(head + body)
            return
        try:
            sent = self.sock.sendmsg((head, body))
        except OSError as error:
            raise front_gone(self.sock) from error
        if sent < len(head):
            self.send(head[sent:])
        self.send(memoryview(body)[max(0, sent - len(head)) :])

    def close_in_child(self) -> None:
        """Give the pipe up in a forked child, which must neither answer nor hold it open."""
        self.sock.close()

    def _receive_next(self) -> Frame:
        """Wait for a frame that is not in `later`."""
        reader = self.reader
        while True:
            frame = reader.next()
            if frame is not None:
                return frame
            if reader.pending_size() > LONG_BODY_BYTES:
                return self._receive_long()
            reader.feed(self._receive_some())

    def _receive_some(self) -> bytes:
        try:
            chunk = self.sock.recv(RECEIVE_BYTES)
        except OSError as error:
            raise FrontGone from error
        if not chunk:
            raise FrontGone
        return chunk

    def _receive_into(self, room: memoryview) -> int:
        try:
            count = self.sock.recv_into(room)
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

    def _drain(self) -> None:
        """Move whatever can be had without waiting into `later`. Leaves a closed pipe for `receive` to notice."""
        while True:
            frame = self.reader.next()
            if frame is not None:
                self.later.append(frame)
                continue
            try:
                chunk = self.sock.recv(RECEIVE_BYTES, socket.MSG_DONTWAIT)
            except BlockingIOError:
                if self.reader.is_midway() and self._wait_readable():
                    continue
                return
            except OSError:
                return
            if not chunk:
                return
            self.reader.feed(chunk)

    def _wait_readable(self) -> bool:
        poller = select.poll()
        poller.register(self.sock, select.POLLIN)
        return bool(poller.poll(MIDWAY_WAIT_MS))


def long_frame(reader: FrameReader, *, decodes: bool) -> Generator[memoryview, int, Frame]:
    """Receive the rest of a frame above LONG_BODY_BYTES in place: yields room for bytes, is sent how many came.

    Args:
        reader: Has read the frame's head.
        decodes: Whether the body of a RUN is text, to be decoded while it arrives.

    Returns:
        The frame.
    """
    kind, request, size, part = reader.take_pending()
    if kind == RUN and decodes:
        return kind, request, (yield from decode_pieces(size, part))
    payload = bytearray(size)
    view = memoryview(payload)
    view[: len(part)] = part
    filled = len(part)
    while filled < size:
        filled += yield view[filled:]
    return kind, request, payload
