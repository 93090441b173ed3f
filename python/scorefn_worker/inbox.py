"""The requests that a worker has received and not begun (protocol, §4). No I/O, so both loops use it."""

from __future__ import annotations

from collections import deque
from typing import Callable

from .frames import Bytes, Frame, encode_json
from .protocol import INTERRUPT, LEASE_TICKS, RECALL, RECALLED, RUN, RUN_META, STOP, TICK_NS, TICKS

_RUNS = (RUN, RUN_META)


def encode_recalled(requests: list[int]) -> bytes:
    """Build the frame that gives requests back."""
    return encode_json(RECALLED, 0, {"ids": requests})


class Inbox:
    """Keeps requests in their order until they begin, are recalled or are forgotten.

    A request sent at once ("begin by" is 0) begins in any case; a waiting one only while its time has not passed.
    """

    def __init__(self, send: Callable[[bytes], None], now: Callable[[], int]) -> None:
        """Start empty.

        Args:
            send: Sends a frame.
            now: The clock of "begin by", in nanoseconds.
        """
        self.stopping = False
        self.interrupts: dict[int, Bytes] = {}
        """Payloads of INTERRUPTs for requests sent at once, until they begin."""
        self.requests: deque[Frame] = deque()
        self._send = send
        self._now = now

    def take(self, frame: Frame) -> bool:
        """Handle a frame. False: it is an INTERRUPT or a CREDIT, and for no request that is kept here."""
        kind, request, payload, begin_by = frame
        if kind in _RUNS:
            if not (begin_by and self.stopping):
                self.requests.append(frame)
        elif kind == RECALL:
            self._send(encode_recalled(self._give_back(request)))
        elif kind == STOP:
            self.stopping = True
            self._give_back(0)
        elif kind == INTERRUPT and any(kept[1] == request for kept in self.requests):
            # One for a request that waits is ignored: the front interrupts what it knows to have begun.
            if any(kept[1] == request and not kept[3] for kept in self.requests):
                self.interrupts[request] = payload
        else:
            return False
        return True

    def next(self, *, waiting: bool = True) -> Frame | None:
        """Take out the request whose turn it is, and forget those whose time has passed.

        Args:
            waiting: Whether one that waited may begin now.
        """
        requests = self.requests
        while requests:
            begin_by = requests[0][3]
            # As is_in_time has it.
            if not begin_by or 0 < (begin_by - self._now() // TICK_NS) & TICKS <= LEASE_TICKS:
                return requests.popleft() if waiting or not begin_by else None
            requests.popleft()
        return None

    def _give_back(self, request: int) -> list[int]:
        """Forget this waiting request, or all with 0, and return which those were."""
        kept = self.requests
        given = [frame[1] for frame in kept if frame[3] and request in (0, frame[1])]
        if given:
            self.requests = deque(frame for frame in kept if not (frame[3] and request in (0, frame[1])))
        return given
