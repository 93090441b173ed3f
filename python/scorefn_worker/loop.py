"""The loop of synchronous scripts: one request at a time, each answered before the next begins."""

from __future__ import annotations

import contextlib
from time import perf_counter
from types import GeneratorType
from typing import Any, Callable

from .channel import JOIN_BYTES, Channel, FrontGone
from .failures import BadInput, UnusableRequest
from .frames import Bytes, Frame, encode, encode_begun, result_head
from .inbox import Inbox, encode_recalled
from .interrupts import Interrupts
from .locate import UserFiles
from .protocol import CREDIT, END, INTERRUPT, LEASE_TICKS, RUN, STOP, TICK_NS, TICKS, monotonic_ns
from .raw.answer import Answer, is_response
from .report import error_frame, result_error_frame
from .requests import failed_run_frame, read_request, refusal_frame
from .script import Script
from .stream import Stream, credit_of
from .tracing import in_trace

LOOK_AFTER_S = 0.0001
"""After a run() of this time the pipe is looked at before the answer is sent: a look that finds nothing costs 1.5 µs, a
BEGUN that is sent alone later costs a write and wakes the front. After a request that waited it is always looked at."""

_STOPPED: Frame = (STOP, 0, b"", 0)


class SyncLoop:
    """Answers the requests of one script."""

    def __init__(
        self,
        channel: Channel,
        script: Script,
        interrupts: Interrupts,
        files: UserFiles,
        now: Callable[[], int] = monotonic_ns,
    ) -> None:
        """Join what answering takes. `now` is the clock of "begin by", in nanoseconds."""
        self._channel = channel
        self._script = script
        self._interrupts = interrupts
        self._files = files
        self._now = now
        self._inbox = Inbox(channel.send, now)
        self._next: Frame | None = None
        """The request that begins next; where it has waited, BEGUN has been sent."""
        self._current = 0
        self._waited = False
        """Whether the current request has waited: others are then likely to wait behind it."""
        self._begun_at = 0.0
        self._interrupt: Bytes | None = None
        """Payload of an INTERRUPT for the current request that has not been raised."""
        self._streaming: Stream | None = None
        self._answer_in_place = in_trace(self._answer) if script.traces else self._answer
        interrupts.look = self._look

    def serve(self) -> None:
        """Answer requests until STOP. Raises FrontGone when the pipe closes."""
        turn = self._turn
        step = self._step
        # Nothing of a request is held here, so that a big body is free again before the next one comes.
        while step(*turn()):
            pass

    def _turn(self) -> Frame:
        """Wait for the request whose turn it is, and say that it begins. After STOP and the last one, return STOP."""
        while True:
            frame, self._next = self._next, None
            if frame is None:
                frame = self._wait()
                if frame[3]:
                    self._channel.send(encode_begun(frame[1]))
            # The second look: only of what was announced in time the front knows that it has begun (§4, rule 4).
            begin_by = frame[3]
            if not begin_by or 0 < (begin_by - self._now() // TICK_NS) & TICKS <= LEASE_TICKS:
                return frame
            self._channel.send(encode_recalled([frame[1]]))

    def _wait(self) -> Frame:
        while True:
            if self._channel.reader.has_more:
                self._take_received()
            frame = self._inbox.next()
            if frame is not None:
                return frame
            if self._inbox.stopping:
                return _STOPPED
            self._take(self._channel.receive())

    def _take_received(self) -> None:
        """Take all that has been read already: what is recalled must not begin."""
        read = self._channel.reader.next
        inbox = self._inbox
        while (frame := read()) is not None:
            # Nearly all are requests, so these do without the call.
            if frame[0] == RUN and not inbox.stopping:
                inbox.requests.append(frame)
            elif not inbox.take(frame):
                self._take_order(frame)

    def _take(self, frame: Frame) -> None:
        """Handle a frame of the front."""
        if not self._inbox.take(frame):
            self._take_order(frame)

    def _take_order(self, frame: Frame) -> None:
        """Handle an INTERRUPT or a CREDIT for a request that has begun."""
        kind, request, payload, _ = frame
        if request != self._current:
            return  # answered already
        if kind == INTERRUPT:
            self._interrupt = payload
        elif kind == CREDIT and self._streaming is not None:
            self._streaming.credit += credit_of(payload)

    def _look(self) -> Bytes | None:
        """Take what the pipe holds while the script runs; return the payload of an INTERRUPT for the request."""
        for frame in self._channel.drain():
            self._take(frame)
        payload, self._interrupt = self._interrupt, None
        return payload

    def _step(self, kind: int, request: int, payload: Any, begin_by: int) -> bool:  # noqa: ANN401 - as Frame
        """Answer one request; False after STOP."""
        if kind == STOP:
            return False
        self._current = request
        self._waited = begin_by != 0
        self._begun_at = perf_counter()
        self._interrupt = None
        orders = self._inbox.interrupts
        if orders and request in orders:
            self._end(self._error(request, "run", self._interrupts.exception(orders.pop(request))))
            return True
        try:
            arguments = read_request(self._script, kind, payload)
        except (BadInput, UnusableRequest) as error:
            self._end(refusal_frame(request, error, self._files))
        else:
            self._answer_in_place(request, arguments)
        return True

    def _end(self, head: bytes, body: Bytes = b"") -> None:
        """Send what ends the current request, in one write with BEGUN of the next one where that is here already."""
        self._current = 0
        inbox = self._inbox
        if self._channel.reader.has_more:
            self._take_received()
        looks = not inbox.requests and (self._waited or perf_counter() - self._begun_at > LOOK_AFTER_S)
        if looks and self._channel.receive_more():
            self._take_received()
        frame = self._next = inbox.next()
        begun = encode_begun(frame[1]) if frame is not None and frame[3] else b""
        if len(body) <= JOIN_BYTES:
            self._channel.send(head + body + begun)
        else:
            self._channel.send_parts(head, body, begun)

    def _answer(self, request: int, arguments: dict[str, Any]) -> None:
        """Call run() and send its result. The clock covers the call and nothing else (HDR-10)."""
        try:
            with self._script.call(arguments) as is_head:
                started = perf_counter()
                result = self._interrupts.call(self._script.run, arguments)
                milliseconds = (perf_counter() - started) * 1000
        except BaseException as error:  # SystemExit and KeyboardInterrupt are the script's failures too (OUT-9)
            self._end(self._error(request, "run", error))
            return
        if isinstance(result, GeneratorType):
            self._stream(request, result, Stream(request, started))
            return
        if is_response(result):
            self._respond(request, result, milliseconds, is_head=is_head)
            return
        try:
            body = self._script.render(result).encode()
            head = result_head(request, milliseconds, len(body))
        except BaseException as error:  # a result's own methods may raise anything
            self._end(result_error_frame(request, result, error, self._files))
            return
        self._end(head, body)

    def _respond(self, request: int, response: Any, milliseconds: float, *, is_head: bool) -> None:  # noqa: ANN401
        """Send an HTTP response that the script built (OUT-2)."""
        try:
            answer = Answer(response, is_head=is_head, is_async=False)
            head = answer.head(request, milliseconds)
        except BaseException as error:  # a response's own methods may raise anything
            self._end(self._error(request, "run", error))
            return
        if answer.items is not None:
            self._channel.send(head)
            self._stream(request, answer.items, Stream(request, 0, begun=True))
        else:
            self._end(head, encode(END, request) if answer.is_stream else answer.body)
        answer.close()

    def _stream(self, request: int, items: Any, stream: Stream) -> None:  # noqa: ANN401 - a generator of anything
        """Send what the generator yields, no faster than the client takes it (protocol, §6)."""
        self._streaming = stream
        # Begun in any case: a generator that is closed before its first item runs none of its code, so the `finally`
        # that its author relies on would be left out for a client that leaves early enough.
        begins = True
        try:
            while True:
                while stream.credit <= 0:
                    self._await_credit()
                item = self._interrupts.call(items.__next__, {}, begins=begins)
                begins = False
                frames = stream.encode(item)
                if frames:
                    self._channel.send(frames)
        except StopIteration:
            last = stream.end()
        except FrontGone:
            raise
        except BaseException as error:
            # Closed first: the request has ended for the front when the ERROR arrives.
            with contextlib.suppress(BaseException):
                items.close()
            last = self._error(request, stream.failure_kind, error)
        self._streaming = None
        self._end(last)

    def _await_credit(self) -> None:
        """Wait until the front has said something. Raises when it is an INTERRUPT."""
        self._take(self._channel.receive())
        if self._interrupt is not None:
            payload, self._interrupt = self._interrupt, None
            raise self._interrupts.exception(payload)

    def _error(self, request: int, kind: str, error: BaseException) -> bytes:
        if self._interrupts.caused(error):
            return error_frame(request, "interrupted", error, self._files)
        return failed_run_frame(request, self._script, kind, error, self._files)
