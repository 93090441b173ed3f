"""A task loop over real sockets, with a clock of its own: the loop on the main thread, the front on another."""

from __future__ import annotations

import asyncio
import contextlib
import json
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, NamedTuple

from conftest import FIXTURES
from scorefn_worker import loop as loop_module
from scorefn_worker import protocol as p
from scorefn_worker.aio import AsyncLoop, run_forever
from scorefn_worker.channel import Channel, FrontGone
from scorefn_worker.frames import LENGTH, FrameReader, encode, encode_json, split_meta
from scorefn_worker.interrupts import SIGNAL, Interrupts
from scorefn_worker.locate import UserFiles
from scorefn_worker.loop import SyncLoop
from scorefn_worker.protocol import Settings
from scorefn_worker.record_channel import RecordingChannel, RecordStore
from scorefn_worker.script import load_script

SCENARIOS = FIXTURES / "scenarios"

DEADLINE_S = 30.0
"""Nothing here takes this long; it ends a test that would wait for ever."""

NUDGE_S = 0.05
"""When the front repeats its signal: one that comes just before a blocking call is not noticed until that is over."""

_NAMES = {
    getattr(p, name): name for name in ["RESULT", "RESPONSE", "CHUNK", "END", "ERROR", "RECALLED", "BEGUN", "RECORDS"]
}


class Said(NamedTuple):
    """A frame of the worker: as the scenarios write it, and which bytes it was."""

    text: str
    kind: int
    request: int
    start: int
    end: int


class Hooks:
    """What the script of the scenarios tells and asks."""

    def __init__(self, make_gate: Callable[[], Any]) -> None:
        self.ran: list[str] = []
        self.closed_names: list[str] = []
        self.noted: list[str] = []
        self.note: Callable[[str], None] = lambda _: None
        """The script writes a record."""
        self.changed = threading.Condition()
        self._gates: dict[str, Any] = {}
        self._make_gate = make_gate
        self._is_open = False

    def began(self, name: str) -> None:
        with self.changed:
            self.ran.append(name)
            self.changed.notify_all()

    def closed(self, name: str) -> None:
        with self.changed:
            self.closed_names.append(name)
            self.changed.notify_all()

    def gate(self, name: str) -> Any:
        gate = self._gates.setdefault(name, self._make_gate())
        if self._is_open:
            gate.set()
        return gate

    def open_all(self) -> None:
        """Let whatever waits go on, and what will wait."""
        self._is_open = True
        for gate in list(self._gates.values()):
            gate.set()

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, DEADLINE_S), f"waited in vain for {what}"


class RecordingSocket(socket.socket):
    """Remembers where one write ended and the next began."""

    def begin(self, on_sent: Callable[[bytes], None]) -> None:
        self.writes: list[tuple[int, int]] = []
        self.total = 0
        self._on_sent = on_sent

    def _record(self, data: bytes) -> None:
        self.writes.append((self.total, self.total + len(data)))
        self.total += len(data)
        self._on_sent(data)

    def send(self, data: Any, *flags: int) -> int:  # type: ignore[override]
        count = super().send(data, *flags)
        self._record(bytes(data[:count]))
        return count

    def sendall(self, data: Any, *flags: int) -> None:  # type: ignore[override]
        super().sendall(data, *flags)
        self._record(bytes(data))

    def sendmsg(self, parts: Any, *rest: Any) -> int:  # type: ignore[override]
        count = super().sendmsg(parts, *rest)
        self._record(b"".join(parts)[:count])
        return count


class TurnedChannel(RecordingChannel):
    """One whose turns end when the test says so."""

    def _start(self) -> None:
        self._turns: SimpleQueue[threading.Event | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._end_turns)
        self._thread.start()

    def turn(self) -> threading.Event:
        """Let a turn end, in a thread that is neither the loop's nor the front's. Gives what is set then."""
        ended = threading.Event()
        self._turns.put(ended)
        return ended

    def stop(self) -> None:
        self._turns.put(None)
        self._thread.join(DEADLINE_S)

    def _end_turns(self) -> None:
        while (ended := self._turns.get()) is not None:
            with contextlib.suppress(RuntimeError, FrontGone):  # the event loop has ended, or the test has failed
                self.hand_over()
            self.records.renew()
            ended.set()


class LoopHarness:
    """Runs one loop, `sync` or `async`, and is its front."""

    def __init__(self, kind: str, concurrency: int, *, records: bool = False) -> None:
        self.kind = kind
        self.clock_ms = 1_000_000
        self.after_begun_ms = 0
        """Milliseconds that pass while the next BEGUN is written."""
        self._concurrency = concurrency
        self._to_worker, receiver = socket.socketpair()
        sender, self._from_worker = socket.socketpair()
        self._from_worker.settimeout(NUDGE_S)
        self._nudges = False
        self._sender = RecordingSocket(fileno=sender.detach())
        self._sender.begin(self._on_sent)
        self._channel = Channel(receiver, self._sender)
        if records:
            self._channel = TurnedChannel(self._channel, RecordStore())
        self._sent_reader = FrameReader()
        self._reader = FrameReader()
        self._read = 0
        self._main = threading.main_thread().ident or 0
        self._event_loop: asyncio.AbstractEventLoop | None = None
        self._is_running = threading.Event()
        self.has_stopped = threading.Event()
        self._failure: BaseException | None = None
        self.on_written: Callable[[int, int, str, int], None] = lambda *_: None
        """Called by the loop's thread for each frame that has been handed to the system, with the clock."""
        self.on_end: Callable[[], None] = lambda: None
        entry = str(SCENARIOS / "scripts" / f"{kind}.py")
        settings = Settings({"appRoot": str(SCENARIOS), "entryScript": entry})
        self._files = UserFiles(settings.app_root, entry, None)
        before = sys.dont_write_bytecode
        sys.dont_write_bytecode = True
        self._script = load_script(settings, self._files)
        sys.dont_write_bytecode = before
        self.hooks = Hooks(threading.Event if kind == "sync" else asyncio.Event)
        self._script.run.__globals__["hooks"] = self.hooks
        if self._channel.records is not None:
            self.hooks.note = self._note

    def _note(self, text: str) -> None:
        assert self._channel.records is not None
        self._channel.records.add(lambda: f'{{"message":"{text}"}}'.encode())
        with self.hooks.changed:
            self.hooks.noted.append(text)
            self.hooks.changed.notify_all()

    def turn(self) -> None:
        """Let a turn of the records end."""
        if not isinstance(self._channel, TurnedChannel):
            return
        ended = self._channel.turn()
        end = time.monotonic() + DEADLINE_S
        # The loop may be in the middle of a write that a full pipe holds up: a front goes on reading.
        while not ended.wait(NUDGE_S):
            assert time.monotonic() < end, "the turn does not end"
            # Not MSG_DONTWAIT, which a socket with a time-out waits with all the same, and raises TimeoutError.
            if select.select([self._from_worker], [], [], 0)[0]:
                self._reader.feed(self._from_worker.recv(1 << 20))

    def run(self, front: Callable[[], None]) -> None:
        """Run the loop until it ends, with `front` beside it. The front must have it stopped."""
        thread = threading.Thread(target=self._be_front, args=(front,))
        # Here and not in _serve, for the front's last signals may come after the loop's end.
        before = signal.getsignal(SIGNAL)
        signal.signal(SIGNAL, lambda _number, _frame: None)
        thread.start()
        try:
            self._serve()
        except FrontGone:
            if self._failure is None:
                raise
        finally:
            if isinstance(self._channel, TurnedChannel):
                self._channel.stop()
                with contextlib.suppress(FrontGone):
                    self._channel.hand_over(1000)
            self.has_stopped.set()
            self._sender.shutdown(socket.SHUT_WR)
            signal.signal(SIGNAL, lambda _number, _frame: None)
            thread.join(DEADLINE_S)
            signal.signal(SIGNAL, before)
            if self._failure is None:
                self.on_end()
            for end in (self._to_worker, self._from_worker, self._channel.receiver, self._sender):
                end.close()
        if self._failure is not None:
            raise self._failure
        assert not thread.is_alive()

    def _serve(self) -> None:
        def now() -> int:
            return int(self.clock_ms * 1_000_000)

        if self.kind == "async":

            async def serve() -> None:
                self._event_loop = asyncio.get_running_loop()
                loop = AsyncLoop(self._channel, self._script, self._files, self._concurrency, now)
                self._is_running.set()
                await loop.serve()
                for task in asyncio.all_tasks() - {asyncio.current_task()}:
                    task.cancel()
                await asyncio.sleep(0)

            run_forever(serve())
            return
        interrupts = Interrupts()
        interrupts.install()
        look_after, loop_module.LOOK_AFTER_S = loop_module.LOOK_AFTER_S, -1.0
        try:
            loop = SyncLoop(self._channel, self._script, interrupts, self._files, now)
            self._is_running.set()
            loop.serve()
        finally:
            loop_module.LOOK_AFTER_S = look_after

    def _be_front(self, front: Callable[[], None]) -> None:
        try:
            assert self._is_running.wait(DEADLINE_S)
            front()
        except BaseException as error:
            self._failure = error
            self._to_worker.close()
            self._from_worker.close()
            self.hooks.open_all()

    def _on_sent(self, data: bytes) -> None:
        self._sent_reader.feed(data)
        while (frame := self._sent_reader.next()) is not None:
            if frame[0] == p.BEGUN:
                self.clock_ms += self.after_begun_ms
                self.after_begun_ms = 0
            self.on_written(frame[0], frame[1], describe(*frame[:3]), self.clock_ms * 1_000_000)

    def send(self, data: bytes, *, signals: bool = False) -> None:
        """Write on the pipe; with `signals` as the front does for INTERRUPT and RECALL."""
        self._to_worker.sendall(data)
        if signals and self.kind == "sync":
            self._nudges = True
            signal.pthread_kill(self._main, SIGNAL)

    def say(self, *texts: str) -> None:
        """Write frames at once."""
        self.send(b"".join(map(self.encode, texts)))

    @property
    def written(self) -> int:
        """How many bytes of the loop the system has taken."""
        return self._sender.total

    def release(self, name: str) -> None:
        if self._event_loop is None:
            self.hooks.gate(name).set()
        else:
            self._event_loop.call_soon_threadsafe(lambda: self.hooks.gate(name).set())

    def fence(self) -> None:
        """Wait until an async loop has read all that was sent."""
        if self.kind == "async":
            self.send(encode(p.RECALL, 0xFFFFFFFF))
            assert self.next().text == "RECALLED"

    def next(self) -> Said:
        """Wait for the next frame."""
        end = time.monotonic() + DEADLINE_S
        while (frame := self._reader.next()) is None:
            assert time.monotonic() < end, "waited in vain for a frame"
            self.receive()
        start = self._read
        self._read += 12 + len(frame[2])
        return Said(describe(*frame[:3]), frame[0], frame[1], start, self._read)

    def receive(self) -> None:
        """Receive what there is, or repeat the signal after NUDGE_S."""
        try:
            chunk = self._from_worker.recv(1 << 20)
        except (TimeoutError, socket.timeout):
            if self._nudges:
                signal.pthread_kill(self._main, SIGNAL)
            return
        assert chunk or self.has_stopped.is_set(), "the worker has closed the pipe"
        self._reader.feed(chunk)

    def rest(self) -> list[str]:
        """All frames that are left after the loop's end."""
        self._from_worker.settimeout(DEADLINE_S)
        frames = []
        while True:
            frame = self._reader.next()
            if frame is not None:
                frames.append(describe(*frame[:3]))
                continue
            chunk = self._from_worker.recv(1 << 20)
            if not chunk:
                return frames
            self._reader.feed(chunk)

    def write_of(self, frame: Said) -> tuple[int, int]:
        """The write that brought a frame: its first byte and the one after its last."""
        wait_until(lambda: self.written >= frame.end)  # it is received already, and about to be recorded
        return next(write for write in self._sender.writes if write[0] <= frame.start < write[1])

    def encode(self, text: str) -> bytes:
        """Make a frame as the scenarios write it: `RUN 2 waits 1000 quick b`, `RUN 2 meta {} quick b`, `RECALL 0`."""
        name, *words = text.split(" ")
        request = int(words.pop(0)) if words else 0
        if name == "RUN":
            begin_by = 0
            if words[0] == "waits":
                begin_by = to_begin_by(self.clock_ms + int(words[1]))
                del words[:2]
            if words[0] == "meta":
                meta = words[1].encode()
                payload = LENGTH.pack(len(meta)) + meta + " ".join(words[2:]).encode()
                return encode(p.RUN_META, request, payload, begin_by)
            return encode(p.RUN, request, b"\xff" if words[0] == "garbled" else " ".join(words).encode(), begin_by)
        if name == "INTERRUPT":
            return encode_json(p.INTERRUPT, request, {"reason": words[0], "timeoutMs": 1500})
        if name == "CREDIT":
            return encode(p.CREDIT, request, int(words[0]).to_bytes(4, "little"))
        return encode({"RECALL": p.RECALL, "STOP": p.STOP}[name], request)


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for something that nothing announces."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.001)


def to_begin_by(milliseconds: int) -> int:
    """As toBeginBy in src/protocol/messages.ts."""
    return (milliseconds // p.TICK_MS) & 0xFFFFFF or 0xFFFFFF


def describe(kind: int, request: int, payload: Any) -> str:
    """Word a frame as the scenarios do."""
    name = _NAMES[kind]
    if kind == p.RECALLED:
        return f"{name} {','.join(map(str, json.loads(payload)['ids']))}".strip()
    if kind == p.RECORDS:
        told = json.loads(payload)
        dropped = f" +{told['dropped']}" if told["dropped"] else ""
        return f"{name} {','.join(record['message'] for record in told['records'])}{dropped}"
    if kind == p.ERROR:
        return f"{name} {request} {json.loads(payload)['kind']}"
    if kind == p.CHUNK:
        return f"{name} {request} {len(payload)}"
    if kind == p.RESPONSE:
        return f"{name} {request}{'' if split_meta(payload)[0]['stream'] else ' whole'}"
    return f"{name} {request}"
