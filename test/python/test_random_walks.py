"""Random interleavings of what a front can send, over real sockets, held against a model of what a worker may say."""

from __future__ import annotations

import os
import random
import signal
import time
from typing import Any

import pytest
from loop_harness import DEADLINE_S, LoopHarness, to_begin_by
from scorefn_worker import protocol as p
from scorefn_worker import record_channel
from scorefn_worker.interrupts import SIGNAL
from worker_model import WorkerModel

SEQUENCES = int(os.environ.get("SCOREFN_SEQUENCES", "1000" if os.environ.get("CI") == "true" else "200"))
"""For each loop."""

SEED = int(os.environ.get("SCOREFN_SEED", "0")) or random.randrange(1, 1 << 32)

BEHAVIOURS = (
    *("quick", "quick", "quick", "slow", "slow", "stubborn", "raises", "unrenderable", "garbled"),
    *("stream 4 100000", "stream 0 0", "paced", "stream-raises 0", "stream-raises 2", "stubborn-stream"),
    *("notes 1", "notes 9", "noting", "noting-stream 3"),
)

MOST_RECORDS = 5
"""In a turn, so that some are dropped."""

LEASES_MS = (0, p.TICK_MS, 100, 500, 1000, 1000, 1000, 2000)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_the_loop_says_nothing_that_it_must_not_say_and_leaves_nothing_undone(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_channel, "MAX_RECORDS", MOST_RECORDS)
    print(f"SCOREFN_SEED={SEED}")
    for number in range(SEQUENCES):
        rng = random.Random(f"{SEED} {kind} {number}")
        try:
            Walk(kind, rng).run()
        except BaseException as error:
            raise AssertionError(f"SCOREFN_SEED={SEED}, sequence {number} of {kind}: {error}") from error


class Walk:
    """One random sequence."""

    def __init__(self, kind: str, rng: random.Random) -> None:
        concurrency = 1 if kind == "sync" else rng.randint(1, 4)
        self._rng = rng
        records = rng.random() < 0.5
        self._harness = LoopHarness(kind, concurrency, records=records)
        self._model = WorkerModel(concurrency, takes_all_along=kind == "sync")
        if records:
            self._note = self._harness.hooks.note
            self._harness.hooks.note = self._notes  # type: ignore[method-assign]
        self._harness.on_written = self._model.written
        self._harness.hooks.began = lambda name: self._model.runs(int(name))  # type: ignore[method-assign]
        self._pending = b""
        self._signals = False
        self._next = 1

    def run(self) -> None:
        self._harness.on_end = lambda: None
        self._harness.run(self._front)
        self._model.end()

    def _notes(self, text: str) -> None:
        # An INTERRUPT between the two would leave one of them out.
        signal.pthread_sigmask(signal.SIG_BLOCK, {SIGNAL})
        try:
            self._model.notes(text)
            self._note(text)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {SIGNAL})

    def _front(self) -> None:
        rng = self._rng
        actions: tuple[tuple[Any, int], ...] = (
            (self._send_at_once, 3),
            (self._send_waiting, 6),
            (self._recall, 3),
            (self._interrupt, 2),
            (self._credit, 2),
            (self._release, 4),
            (self._pass_time, 2),
            (self._write, 5),
            (self._harness.turn, 2),
        )
        choices = [action for action, weight in actions for _ in range(weight)]
        for _ in range(rng.randint(1, 40)):
            rng.choice(choices)()
        self._say("STOP")
        self._write()
        for request in range(1, self._next):
            self._harness.release(str(request))
        end = time.monotonic() + DEADLINE_S
        while not self._harness.has_stopped.is_set():
            assert time.monotonic() < end, f"the loop does not stop: {self._model.faults}"
            for request in self._model.streaming():
                self._model.credit(request, 1_000_000)
                self._harness.send(self._harness.encode(f"CREDIT {request} 1000000"))
            self._harness.receive()

    def _some_request(self) -> int:
        return self._rng.randint(1, self._next)

    def _say(self, text: str) -> None:
        self._pending += self._harness.encode(text)

    def _send_at_once(self) -> None:
        self._model.run(self._next, 0)
        self._say(f"RUN {self._next} {self._rng.choice(BEHAVIOURS)} {self._next}")
        self._next += 1

    def _send_waiting(self) -> None:
        lease = self._rng.choice(LEASES_MS)
        self._model.run(self._next, to_begin_by(self._harness.clock_ms + lease))
        self._say(f"RUN {self._next} waits {lease} {self._rng.choice(BEHAVIOURS)} {self._next}")
        self._next += 1

    def _recall(self) -> None:
        self._model.recall()
        self._say(f"RECALL {self._rng.choice((0, self._some_request(), self._some_request()))}")
        self._signals = True

    def _interrupt(self) -> None:
        self._say(f"INTERRUPT {self._some_request()} {self._rng.choice(('deadline', 'client-gone'))}")
        self._signals = True

    def _credit(self) -> None:
        request, count = self._some_request(), self._rng.randint(0, 300_000)
        self._model.credit(request, count)
        self._say(f"CREDIT {request} {count}")

    def _release(self) -> None:
        self._harness.release(str(self._some_request()))

    def _pass_time(self) -> None:
        if self._rng.random() < 0.3:
            self._harness.after_begun_ms = self._rng.randint(0, 1500)
        else:
            self._harness.clock_ms += self._rng.randint(0, 700)

    def _write(self) -> None:
        data, self._pending = self._pending, b""
        signals, self._signals = self._signals and self._rng.random() < 0.8, False
        while data:
            size = self._rng.choice((len(data), self._rng.randint(1, 60)))
            self._harness.send(data[:size], signals=signals)
            data = data[size:]
