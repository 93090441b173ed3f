"""The loop of synchronous scripts: one request at a time, each answered before the next begins."""

from __future__ import annotations

import contextlib
from time import perf_counter
from types import GeneratorType
from typing import Any

from .channel import Channel, FrontGone, encode_recalled
from .failures import BadInput
from .interrupts import Interrupts
from .locate import UserFiles
from .protocol import END, INTERRUPT, RECALL, RUN, RUN_META, STOP
from .raw.answer import Answer, is_response
from .report import error_frame, input_error_frame, result_error_frame
from .requests import failed_run_frame, read_request
from .script import Script
from .stream import Stream, credit_of


class SyncLoop:
    """Answers the requests of one script."""

    def __init__(self, channel: Channel, script: Script, interrupts: Interrupts, files: UserFiles) -> None:
        """Join what answering takes."""
        self._channel = channel
        self._script = script
        self._interrupts = interrupts
        self._files = files

    def serve(self) -> None:
        """Answer requests until STOP. Raises FrontGone when the pipe closes."""
        receive = self._channel.receive
        step = self._step
        # Nothing of a request is held here, so that a big body is free again before the next one comes.
        while step(*receive()):
            pass

    def _step(self, kind: int, request: int, payload: Any) -> bool:  # noqa: ANN401 - as Frame
        """Handle one frame; False after STOP. An INTERRUPT or CREDIT that arrives here is for an answered request."""
        if kind != RUN and kind != RUN_META:
            if kind == RECALL:
                self._channel.send(encode_recalled([]))
            return kind != STOP
        try:
            arguments = read_request(self._script, kind, payload)
        except BadInput as error:
            self._channel.send(input_error_frame(request, error))
        else:
            self._answer(request, arguments)
        return True

    def _answer(self, request: int, arguments: dict[str, Any]) -> None:
        """Call run() and send its result. The clock covers the call and nothing else (HDR-10)."""
        try:
            with self._script.call(arguments) as is_head:
                started = perf_counter()
                result = self._interrupts.call(request, self._script.run, arguments)
                milliseconds = (perf_counter() - started) * 1000
        except BaseException as error:  # SystemExit and KeyboardInterrupt are the script's failures too (OUT-9)
            self._channel.send(self._error(request, "run", error))
            return
        if isinstance(result, GeneratorType):
            self._stream(request, result, Stream(request, started))
            return
        if is_response(result):
            self._respond(request, result, milliseconds, is_head=is_head)
            return
        try:
            text = self._script.render(result)
        except BaseException as error:  # a result's own methods may raise anything
            self._channel.send(result_error_frame(request, result, error, self._files))
            return
        self._channel.send_result(request, milliseconds, text)

    def _respond(self, request: int, response: Any, milliseconds: float, *, is_head: bool) -> None:  # noqa: ANN401
        """Send an HTTP response that the script built (OUT-2)."""
        try:
            answer = Answer(response, is_head=is_head, is_async=False)
        except BaseException as error:  # a response's own methods may raise anything
            self._channel.send(self._error(request, "run", error))
            return
        self._channel.send_joined(answer.head(request, milliseconds), answer.body)
        if answer.items is not None:
            self._stream(request, answer.items, Stream(request, 0, begun=True))
        elif answer.is_stream:
            self._channel.send_frame(END, request)
        answer.close()

    def _stream(self, request: int, items: Any, stream: Stream) -> None:  # noqa: ANN401 - a generator of anything
        """Send what the generator yields, no faster than the client takes it (protocol, §6)."""
        send = self._channel.send
        try:
            while True:
                while stream.credit <= 0:
                    stream.credit += self._await_credit(request)
                send(stream.encode(self._interrupts.call(request, items.__next__, {})))
        except StopIteration:
            send(stream.end())
        except FrontGone:
            raise
        except BaseException as error:
            # Closed first: the request has ended for the front when the ERROR arrives.
            with contextlib.suppress(BaseException):
                items.close()
            send(self._error(request, stream.failure_kind, error))

    def _await_credit(self, request: int) -> int:
        """Wait until the client has taken some of the stream. Raises when an INTERRUPT comes instead."""
        kind, _, payload = self._channel.receive_for(request)
        if kind == INTERRUPT:
            raise self._interrupts.exception(payload)
        return credit_of(payload)

    def _error(self, request: int, kind: str, error: BaseException) -> bytes:
        if self._interrupts.caused(error):
            return error_frame(request, "interrupted", error, self._files)
        return failed_run_frame(request, self._script, kind, error, self._files)
