"""The loop of async scripts: requests share one asyncio event loop, which owns the pipe."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import traceback
from collections import deque
from collections.abc import Coroutine
from time import perf_counter
from types import AsyncGeneratorType, GeneratorType
from typing import Any, TypeVar

from .channel import RECEIVE_BYTES, Channel, FrontGone, encode_recalled, front_gone, long_frame
from .failures import BadInput, chain
from .frames import Bytes, Frame, encode, result_head
from .interrupts import to_exception
from .locate import UserFiles
from .protocol import CREDIT, END, INTERRUPT, LONG_BODY_BYTES, RECALL, RUN, RUN_META, STOP
from .raw.answer import Answer, is_response
from .report import error_frame, input_error_frame, result_error_frame
from .requests import failed_run_frame, read_request
from .script import Script
from .stream import Stream, credit_of

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


class AsyncPipe:
    """Channel with non-blocking I/O; sends never wait, what the pipe does not take at once is kept."""

    def __init__(self, channel: Channel) -> None:
        """Take the pipe over from `channel`. Must be called on the event loop."""
        self._sock = channel.sock
        self._decodes = channel.decodes
        self._reader = channel.reader
        self._loop = asyncio.get_running_loop()
        self._unsent: deque[memoryview] = deque()
        self._sock.setblocking(False)

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
                chunk = await self._loop.sock_recv(self._sock, RECEIVE_BYTES)
            except OSError as error:
                raise FrontGone from error
            if not chunk:
                raise FrontGone
            reader.feed(chunk)

    def send(self, *parts: Bytes) -> None:
        """Send all parts in order. A pipe that is closed is left for `receive` to notice."""
        for part in parts:
            rest = memoryview(part)
            if not self._unsent:
                rest = rest[self._send_some(rest) :]
            if rest:
                if not self._unsent:
                    self._loop.add_writer(self._sock, self._send_unsent)
                self._unsent.append(rest)

    def flush(self) -> None:
        """Send everything, waiting as long as that takes."""
        self._sock.setblocking(True)
        while self._unsent:
            self._send_some(self._unsent.popleft())

    def _send_some(self, data: memoryview) -> int:
        try:
            return self._sock.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            front_gone(self._sock)
            return len(data)

    def _send_unsent(self) -> None:
        while self._unsent:
            rest = self._unsent[0]
            rest = rest[self._send_some(rest) :]
            if rest:
                self._unsent[0] = rest
                return
            self._unsent.popleft()
        self._loop.remove_writer(self._sock)

    async def _receive_into(self, room: memoryview) -> int:
        try:
            count = await self._loop.sock_recv_into(self._sock, room)
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


class Running:
    """A request that has begun."""

    def __init__(self) -> None:
        """Begin."""
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

    def __init__(self, channel: Channel, script: Script, files: UserFiles, concurrency: int) -> None:
        """Join what answering takes. Must be called on the event loop."""
        self._pipe = AsyncPipe(channel)
        self._script = script
        self._files = files
        self._concurrency = concurrency
        self._waiting: deque[Frame] = deque()
        self._running: dict[int, Running] = {}
        self._stopping = False
        self._finished = asyncio.get_running_loop().create_future()

    async def serve(self) -> None:
        """Answer requests until STOP. Raises FrontGone when the pipe closes."""
        receiving = asyncio.create_task(self._receive())
        done, _ = await asyncio.wait({receiving, self._finished}, return_when=asyncio.FIRST_COMPLETED)
        if receiving in done:
            receiving.result()
        self._pipe.flush()

    async def _receive(self) -> None:
        """Handle frames for ever; the way out is an exception, or `serve` ending."""
        while True:
            kind, request, payload = await self._pipe.receive()
            if kind in (RUN, RUN_META):
                self._waiting.append((kind, request, payload))
                del payload  # or a big body would stay until the next frame
                self._begin_waiting()
            elif kind == RECALL:
                self._pipe.send(encode_recalled([frame[1] for frame in self._waiting]))
                self._waiting.clear()
            elif kind == STOP:
                self._stopping = True
                self._waiting.clear()
                self._end_if_idle()
            else:
                running = self._running.get(request)
                if running is None:
                    continue
                if kind == INTERRUPT:
                    running.cancel(payload)
                elif kind == CREDIT and running.stream is not None:
                    running.stream.credit += credit_of(payload)
                    running.more_credit.set()

    def _begin_waiting(self) -> None:
        """Begin requests in their order while there is room."""
        while self._waiting and len(self._running) < self._concurrency:
            kind, request, payload = self._waiting.popleft()
            try:
                arguments = read_request(self._script, kind, payload)
            except BadInput as error:
                self._pipe.send(input_error_frame(request, error))
                continue
            running = self._running[request] = Running()
            running.task = asyncio.create_task(self._run(request, running, arguments))

    def _end_if_idle(self) -> None:
        if self._stopping and not self._running and not self._finished.done():
            self._finished.set_result(None)

    async def _run(self, request: int, running: Running, arguments: dict[str, Any]) -> None:
        try:
            await self._answer(request, running, arguments)
        finally:
            del self._running[request]
            self._begin_waiting()
            self._end_if_idle()

    async def _answer(self, request: int, running: Running, arguments: dict[str, Any]) -> None:
        """Await run() and send its result."""
        try:
            running.enter()
            with self._script.call(arguments) as is_head:
                started = perf_counter()
                result = self._script.run(**arguments)
                if inspect.isawaitable(result):
                    result = await result
                milliseconds = (perf_counter() - started) * 1000
        except BaseException as error:  # SystemExit and KeyboardInterrupt are the script's failures too (OUT-9)
            self._pipe.send(self._error(request, running, "run", error))
            return
        if isinstance(result, (AsyncGeneratorType, GeneratorType)):
            await self._stream(request, running, result, Stream(request, started))
            return
        if is_response(result):
            await self._respond(request, running, result, milliseconds, is_head=is_head)
            return
        try:
            body = self._script.render(result).encode()
        except BaseException as error:  # a result's own methods may raise anything
            self._pipe.send(result_error_frame(request, result, error, self._files))
            return
        self._pipe.send(result_head(request, milliseconds, len(body)) + body)

    async def _respond(
        self,
        request: int,
        running: Running,
        response: Any,  # noqa: ANN401 - of the script's HTTP library
        milliseconds: float,
        *,
        is_head: bool,
    ) -> None:
        """Send an HTTP response that the script built (OUT-2)."""
        try:
            answer = Answer(response, is_head=is_head, is_async=True)
        except BaseException as error:  # a response's own methods may raise anything
            self._pipe.send(self._error(request, running, "run", error))
            return
        self._pipe.send(answer.head(request, milliseconds), answer.body)
        if answer.items is not None:
            await self._stream(request, running, answer.items, Stream(request, 0, begun=True))
        elif answer.is_stream:
            self._pipe.send(encode(END, request))
        answer.close()

    async def _stream(self, request: int, running: Running, items: Any, stream: Stream) -> None:  # noqa: ANN401
        """Send what the generator yields, no faster than the client takes it (protocol, §6)."""
        running.stream = stream
        try:
            while True:
                while stream.credit <= 0:
                    running.more_credit.clear()
                    await running.more_credit.wait()
                item = await _next(items)
                if item is _EXHAUSTED:
                    break
                self._pipe.send(stream.encode(item))
        except BaseException as error:
            # Closed first: the request has ended for the front when the ERROR arrives.
            with contextlib.suppress(BaseException):
                await _close(items)
            self._pipe.send(self._error(request, running, stream.failure_kind, error))
        else:
            self._pipe.send(stream.end())

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
