"""The loop of async scripts: requests share one asyncio event loop, which owns the pipes."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import traceback
from collections import deque
from collections.abc import Coroutine
from time import perf_counter
from types import AsyncGeneratorType, GeneratorType
from typing import Any, Callable, TypeVar

from .async_pipe import AsyncPipe
from .channel import Channel, FrontGone
from .failures import BadInput, UnusableRequest, chain
from .frames import Bytes, Frame, FrameError, encode, encode_begun, result_head
from .inbox import Inbox, encode_recalled
from .interrupts import to_exception
from .locate import UserFiles
from .protocol import CREDIT, END, INTERRUPT, is_in_time, monotonic_ns
from .raw.answer import Answer, is_response
from .report import error_frame, result_error_frame
from .requests import failed_run_frame, read_request, refusal_frame
from .script import Script
from .stream import Stream, credit_of
from .tracing import in_trace_async

T = TypeVar("T")

_EXHAUSTED = object()


def run_forever(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end on an event loop of its own.

    SystemExit and KeyboardInterrupt of a task the script started break out of the event loop; they must not take the
    worker along.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    task = loop.create_task(work)
    while True:
        try:
            return loop.run_until_complete(task)
        except (SystemExit, KeyboardInterrupt):
            if task.done():
                raise
            traceback.print_exc()


class Running:
    """A request that has begun."""

    def __init__(self, *, waited: bool) -> None:
        """Begin. `waited`: it was not sent at once."""
        self.waited = waited
        self.task: asyncio.Task[None] | None = None
        self.entered = False
        self.interrupt: Bytes | None = None
        self.stream: Stream | None = None
        self.more_credit = asyncio.Event()

    def cancel(self, payload: Bytes) -> None:
        """Interrupt it with the payload of an INTERRUPT frame."""
        self.interrupt = payload
        # A task that is cancelled before its first step would never run, and so never answer.
        if self.entered and self.task is not None:
            self.task.cancel()

    def enter(self) -> None:
        """Mark the first step. Raises CancelledError when an INTERRUPT came before it."""
        self.entered = True
        if self.interrupt is not None:
            raise asyncio.CancelledError


class AsyncLoop:
    """Answers the requests of one script, several at a time."""

    def __init__(
        self,
        channel: Channel,
        script: Script,
        files: UserFiles,
        concurrency: int,
        now: Callable[[], int] = monotonic_ns,
    ) -> None:
        """Join what answering takes. Must be called on the event loop. `now` is the clock of "begin by"."""
        self._pipe = AsyncPipe(channel, self._on_received, self._on_taken, self._fail)
        self._script = script
        self._files = files
        self._concurrency = concurrency
        self._now = now
        self._inbox = Inbox(self._pipe.send, now)
        self._running: dict[int, Running] = {}
        """What has begun, with what was announced by a BEGUN that the pipe has not taken yet."""
        self._announced: deque[Frame] = deque()
        self._answer_in_place = in_trace_async(self._answer) if script.traces else self._answer
        self._finished = asyncio.get_running_loop().create_future()

    async def serve(self) -> None:
        """Answer requests until STOP. Raises FrontGone when the pipe closes."""
        self._pipe.start()
        try:
            await self._finished
        finally:
            self._pipe.stop()
        self._pipe.flush()

    def _fail(self, error: BaseException) -> None:
        if not self._finished.done():
            self._finished.set_exception(error)

    def _on_received(self) -> None:
        self._take_received()
        self._advance()

    def _take_received(self) -> None:
        """Take all that has been read already: what is recalled must not begin."""
        while (frame := self._pipe.received()) is not None:
            self._take(frame)

    def _take(self, frame: Frame) -> None:
        """Handle a frame of the front."""
        if self._inbox.take(frame):
            return
        kind, request, payload, _ = frame
        running = self._running.get(request)
        if running is None:
            return  # answered already
        if kind == INTERRUPT:
            running.cancel(payload)
        elif kind == CREDIT and running.stream is not None:
            running.stream.credit += credit_of(payload)
            running.more_credit.set()

    def _advance(self, *ends: Bytes) -> None:
        """Send the frames that end a request, and begin what may begin now, with BEGUN in the same write."""
        while True:
            # What waited does not begin before the front can read so: not while the pipe has not taken all frames.
            has_room = len(self._running) < self._concurrency
            frame = self._inbox.next(waiting=not self._pipe.unsent) if has_room else None
            if frame is not None:
                self._running[frame[1]] = Running(waited=frame[3] != 0)
                if frame[3]:
                    ends = (*ends, encode_begun(frame[1]))
            if ends:
                self._pipe.send(*ends)
            if frame is None:
                break
            ends = self._begin(frame)
        if self._inbox.stopping and not self._running and not self._finished.done():
            self._finished.set_result(None)

    def _begin(self, frame: Frame) -> tuple[Bytes, ...]:
        """Begin a request, announced where it had to be; return what ends it when that does not take a run()."""
        kind, request, payload, begin_by = frame
        if begin_by:
            if self._pipe.unsent:
                self._announced.append(frame)
                return ()
            # The second look: only of what was announced in time the front knows that it has begun (§4, rule 4).
            if not is_in_time(begin_by, self._now()):
                del self._running[request]
                return (encode_recalled([request]),)
        running = self._running[request]
        running.interrupt = self._inbox.interrupts.pop(request, running.interrupt)
        try:
            arguments = {} if running.interrupt is not None else read_request(self._script, kind, payload)
        except (BadInput, UnusableRequest) as error:
            del self._running[request]
            return (refusal_frame(request, error, self._files),)
        running.task = asyncio.create_task(self._run(request, running, arguments))
        return ()

    def _on_taken(self) -> None:
        """The pipe has taken everything: begin what was announced meanwhile, and what else may begin."""
        ends: tuple[Bytes, ...] = ()
        while self._announced and not self._pipe.unsent:
            ends = self._begin(self._announced.popleft())
            if ends:
                self._pipe.send(*ends)
        self._advance()

    async def _run(self, request: int, running: Running, arguments: dict[str, Any]) -> None:
        ends: tuple[Bytes, ...] = ()
        try:
            ends = await self._answer_in_place(request, running, arguments)
        finally:
            del self._running[request]
            if running.waited and not self._inbox.requests:
                self._look()
            self._advance(*ends)

    def _look(self) -> None:
        """Receive before the next turn of the event loop: behind a request that waited there are likely others, and the
        BEGUN of one that is here leaves with the answer."""
        try:
            self._pipe.receive_more()
            self._take_received()
        except (FrontGone, FrameError) as error:
            self._fail(error)

    async def _answer(self, request: int, running: Running, arguments: dict[str, Any]) -> tuple[Bytes, ...]:
        """Await run() and return what ends the request."""
        try:
            running.enter()
            with self._script.call(arguments) as is_head:
                started = perf_counter()
                result = self._script.run(**arguments)
                if inspect.isawaitable(result):
                    result = await result
                milliseconds = (perf_counter() - started) * 1000
        except BaseException as error:  # SystemExit and KeyboardInterrupt are the script's failures too (OUT-9)
            return (self._error(request, running, "run", error),)
        if isinstance(result, (AsyncGeneratorType, GeneratorType)):
            return await self._stream(request, running, result, Stream(request, started))
        if is_response(result):
            return await self._respond(request, running, result, milliseconds, is_head=is_head)
        try:
            body = self._script.render(result).encode()
            head = result_head(request, milliseconds, len(body))
        except BaseException as error:  # a result's own methods may raise anything
            return (result_error_frame(request, result, error, self._files),)
        return head, body

    async def _respond(
        self,
        request: int,
        running: Running,
        response: Any,  # noqa: ANN401 - of the script's HTTP library
        milliseconds: float,
        *,
        is_head: bool,
    ) -> tuple[Bytes, ...]:
        """Answer with an HTTP response that the script built (OUT-2)."""
        try:
            answer = Answer(response, is_head=is_head, is_async=True)
            head = answer.head(request, milliseconds)
        except BaseException as error:  # a response's own methods may raise anything
            return (self._error(request, running, "run", error),)
        if answer.items is not None:
            self._pipe.send(head)
            ends = await self._stream(request, running, answer.items, Stream(request, 0, begun=True))
        else:
            ends = (head, encode(END, request) if answer.is_stream else answer.body)
        answer.close()
        return ends

    async def _stream(self, request: int, running: Running, items: Any, stream: Stream) -> tuple[Bytes, ...]:  # noqa: ANN401
        """Send what the generator yields, no faster than the client takes it (protocol, §6); return what ends it."""
        running.stream = stream
        try:
            while True:
                while stream.credit <= 0:
                    running.more_credit.clear()
                    await running.more_credit.wait()
                item = await _next(items)
                if item is _EXHAUSTED:
                    break
                frames = stream.encode(item)
                if frames:
                    self._pipe.send(frames)
        except BaseException as error:
            # Closed first: the request has ended for the front when the ERROR arrives.
            with contextlib.suppress(BaseException):
                await _close(items)
            return (self._error(request, running, stream.failure_kind, error),)
        return (stream.end(),)

    def _error(self, request: int, running: Running, kind: str, error: BaseException) -> bytes:
        if running.interrupt is not None and any(isinstance(link, asyncio.CancelledError) for link in chain(error)):
            interrupt = to_exception(running.interrupt)
            interrupt.__cause__ = error
            return error_frame(request, "interrupted", interrupt, self._files)
        return failed_run_frame(request, self._script, kind, error, self._files)


async def _next(items: Any) -> Any:  # noqa: ANN401 - a generator of anything
    """Take the next item of either kind of generator, or _EXHAUSTED."""
    if isinstance(items, GeneratorType):
        return next(items, _EXHAUSTED)
    try:
        return await items.__anext__()
    except StopAsyncIteration:
        return _EXHAUSTED


async def _close(items: Any) -> None:  # noqa: ANN401
    if isinstance(items, GeneratorType):
        items.close()
    else:
        await items.aclose()
