"""Raises an INTERRUPT inside the synchronous script code it is meant for, and nowhere else.

The front writes the INTERRUPT frame and then sends SIGUSR1. Python runs the handler between two steps of whatever the
main thread is executing, so three rules keep the exception where it belongs:

1. It is raised only while `_running` is set, and only `call` sets it: every place between its two assignments is inside
   `call` or below it, so the exception always leaves through `call`, into the caller's `except`.
2. The frame names its request. A signal that is late, doubled or meant for another request finds no frame and is
   forgotten; one that comes a moment before `call` leaves a mark, and `call` looks for the frame itself.
3. `_running` is cleared while the handler looks, so it is never entered twice, and stays cleared when it raises, so a
   request is interrupted at most once.

RECALL and STOP are found on the same way: `look` takes all that the pipe holds.
"""

from __future__ import annotations

import json
import signal
from typing import Any, Callable

from .failures import chain
from .frames import Bytes
from .process import catch

SIGNAL = signal.SIGUSR1


class Interrupts:
    """Watches for INTERRUPT frames, and for RECALL, while script code runs on the main thread."""

    def __init__(self) -> None:
        """Nothing is caught before `install`."""
        self.raised: BaseException | None = None
        self.look: Callable[[], Bytes | None] = _see_nothing
        """Takes what the pipe holds; returns the payload of an INTERRUPT for the running request. Set by the loop."""
        self._running = False
        self._signalled = False

    def install(self) -> None:
        """Catch the signal from now on."""
        catch(SIGNAL, self._on_signal)

    def call(self, function: Callable[..., Any], arguments: dict[str, Any], *, begins: bool = False) -> Any:  # noqa: ANN401 - any result
        """Call script code on behalf of the running request, open to its INTERRUPT.

        Args:
            function: The code.
            arguments: Its keyword arguments.
            begins: Whether the code is entered even when the INTERRUPT has come before.
        """
        self.raised = None
        self._running = True
        try:
            if self._signalled and not begins:
                self._look()
            return function(**arguments)
        finally:
            self._running = False

    def exception(self, payload: Bytes) -> BaseException:
        """Make the exception for an INTERRUPT of the running request, one that `caused` will know again."""
        self.raised = to_exception(payload)
        return self.raised

    def caused(self, error: BaseException) -> bool:
        """Tell whether an exception is the one made here last, or a consequence of it."""
        raised, self.raised = self.raised, None
        return raised is not None and any(link is raised for link in chain(error))

    def _on_signal(self, _number: int, _frame: object) -> None:
        self._signalled = True
        if self._running:
            self._look()

    def _look(self) -> None:
        """Raise when the pipe holds an INTERRUPT for the running request."""
        while self._signalled and self._running:
            self._running = False
            self._signalled = False
            payload = self.look()
            if payload is not None:
                raise self.exception(payload)
            self._running = True


def _see_nothing() -> None:
    return None


def to_exception(payload: Bytes) -> BaseException:
    """Make the exception a script sees from the payload of an INTERRUPT frame."""
    try:
        order = json.loads(payload)
    except ValueError:
        order = {}
    if order.get("reason") == "client-gone":
        return InterruptedError("The client has gone; nobody waits for the result.")
    text = "Script failed to finish execution within the allocated time"
    limit = order.get("timeoutMs")
    return TimeoutError(text if limit is None else f"{text}: {limit}ms")
