"""INTERRUPT of synchronous scripts: it reaches the request it names, and nothing else (protocol §4, TMO-2, TMO-3)."""

from __future__ import annotations

import json
import random
import signal
import threading

import pytest
from conftest import Start, begin_by_in, eventually
from scorefn_worker import protocol as p
from scorefn_worker.frames import encode, encode_json

SLEEPY = """
    import time
    def init(): pass
    def run(data):
        print("begun", data) or time.sleep(float(data))  # one line: the signal may come before the second call
        return data
"""


@pytest.mark.parametrize(
    ("reason", "name", "message"),
    [
        ("deadline", "TimeoutError", "Script failed to finish execution within the allocated time: 1500ms"),
        ("client-gone", "InterruptedError", "The client has gone; nobody waits for the result."),
    ],
)
def test_raises_in_the_script(start: Start, reason: str, name: str, message: str) -> None:
    """ERR-12 for ERR-10: the record contains the message."""
    worker = start(SLEEPY)
    worker.ready()
    worker.send(p.RUN, 1, b"60")
    eventually(lambda: "begun 60" in worker.stdout())
    worker.interrupt(1, reason)
    report = worker.error(1, "interrupted")
    assert (report["type"], report["message"]) == (name, message)
    assert f"{name}: {message}\n" in report["traceback"]
    assert "scorefn_worker/" not in report["traceback"]
    assert "time.sleep(float(data))" in report["location"]["source"]
    assert worker.run("0", 2) == '"0"'


def test_a_request_is_interrupted_even_when_others_wait_before_the_interrupt(start: Start) -> None:
    """The handler keeps what it finds in the pipe, in order, a long body included."""
    worker = start(SLEEPY)
    worker.ready()
    worker.send(p.RUN, 1, b"60")
    eventually(lambda: "begun 60" in worker.stdout())
    others = encode(p.RUN, 2, b"0") + encode(p.RUN, 3, b"0" * 1_000_000)
    sender = threading.Thread(target=worker.pipe.sendall, args=(others,))
    sender.start()
    while sender.is_alive():
        worker.process.send_signal(signal.SIGUSR1)  # finds nothing yet, but makes room in the pipe
        sender.join(0.01)
    worker.interrupt(1)
    worker.send(p.RUN, 4, b"0")
    worker.error(1, "interrupted")
    assert worker.result(2) == '"0"'
    assert len(worker.result(3)) == 1_000_002
    assert worker.result(4) == '"0"'


def test_an_interrupt_for_another_request_is_ignored(start: Start) -> None:
    worker = start(SLEEPY)
    worker.ready()
    worker.send(p.RUN, 5, b"0.2")
    for request in (4, 6, 7):
        worker.interrupt(request)
    assert worker.result(5) == '"0.2"'
    assert worker.run("0", 6) == '"0"'


def test_the_signal_without_a_frame_is_ignored(start: Start) -> None:
    worker = start(SLEEPY)
    worker.ready()
    worker.process.send_signal(signal.SIGUSR1)
    assert worker.run("0", 1) == '"0"'
    worker.send(p.RUN, 2, b"0.1")
    worker.process.send_signal(signal.SIGUSR1)
    assert worker.result(2) == '"0.1"'


def test_the_signal_is_harmless_while_init_runs(start: Start) -> None:
    worker = start("""
        import time
        def init():
            print("in init")
            time.sleep(0.2)
        def run(data): return 1
    """)
    eventually(lambda: "in init" in worker.stdout())
    worker.process.send_signal(signal.SIGUSR1)
    worker.ready()
    assert worker.run() == "1"


def test_a_script_that_swallows_the_interrupt_still_answers(start: Start) -> None:
    worker = start("""
        import time
        def init(): pass
        def run(data):
            try:
                print("begun")
                time.sleep(60)
            except TimeoutError:
                return "late"
    """)
    worker.ready()
    worker.send(p.RUN, 1)
    eventually(lambda: "begun" in worker.stdout())
    worker.interrupt(1)
    assert worker.result(1) == '"late"'


def test_a_consequence_of_the_interrupt_counts_as_one(start: Start) -> None:
    worker = start("""
        import time
        def init(): pass
        def run(data):
            try:
                print("begun")
                time.sleep(60)
            except TimeoutError as error:
                raise RuntimeError("wrapped") from error
    """)
    worker.ready()
    worker.send(p.RUN, 1)
    eventually(lambda: "begun" in worker.stdout())
    worker.interrupt(1)
    assert worker.error(1, "interrupted")["type"] == "RuntimeError"


def test_an_interrupt_reaches_a_script_that_does_nothing_but_print(start: Start) -> None:
    worker = start("""
        def init(): pass
        def run(data):
            while data: print("busy")
            return 1
    """)
    worker.ready()
    for request in range(1, 6):
        worker.send(p.RUN, request, b"x")
        seen = len(worker.stdout())
        eventually(lambda seen=seen: len(worker.stdout()) > seen)
        worker.interrupt(request)
        worker.error(request, "interrupted")
    assert worker.run("", 9) == "1"


@pytest.mark.parametrize("seed", range(3))
def test_every_request_is_answered_once_under_a_hail_of_interrupts(start: Start, seed: int) -> None:
    """Signals land before, in, between and after the calls of run(), in our own code as often as in the script's."""
    worker = start("""
        def init(): pass
        def run(data):
            n = int(data)
            for _ in range(n): pass
            return n
    """)
    worker.ready()
    rng = random.Random(seed)
    done = threading.Event()

    def hail() -> None:
        # Not faster than a handler takes: on an idle machine the script would get no further.
        while not done.wait(0.0001):
            worker.process.send_signal(signal.SIGUSR1)

    storm = threading.Thread(target=hail)
    storm.start()
    interrupted = 0
    try:
        request = 0
        for _ in range(150):
            window = range(request + 1, request + 1 + rng.randint(1, 16))
            request = window[-1]
            spins = {number: rng.choice((0, 10, 300, 30_000)) for number in window}
            targets = [number for number in window if rng.random() < 0.4]
            frames = [encode(p.RUN, number, b"%d" % spins[number]) for number in window]
            frames += [encode_json(p.INTERRUPT, number, {"reason": "deadline"}) for number in targets]
            cut = rng.randint(1, len(frames))
            worker.pipe.sendall(b"".join(frames[:cut]))
            worker.pipe.sendall(b"".join(frames[cut:]))
            for number in window:
                kind, answered, payload = worker.receive()
                assert answered == number, "each request is answered once, in order"
                if kind == p.ERROR:
                    assert json.loads(payload)["kind"] == "interrupted"
                    assert number in targets, "an interrupt must not hit a request it does not name"
                    interrupted += 1
                else:
                    assert (kind, payload[8:]) == (p.RESULT, b"%d" % spins[number])
    finally:
        done.set()
        storm.join(20)
    assert interrupted > 0
    assert worker.stop() == 0


@pytest.mark.parametrize("stream", [False, True])
def test_a_recall_gives_back_what_waits_behind_a_running_request(start: Start, stream: bool) -> None:
    """Protocol §4: the script goes on, the waiting requests are forgotten, and the next ones are answered."""
    worker = start(
        """
        import time
        def init(): pass
        def slow():
            for _ in range(100):
                time.sleep(0.02)
                yield "x"
        def run(data):
            print("begun", data)
            if data == "stream":
                return slow()
            time.sleep(float(data))
            return data
        """
    )
    worker.ready()
    worker.send(p.RUN, 1, b"stream" if stream else b"1")
    eventually(lambda: "begun" in worker.stdout())
    for request in (2, 3):
        worker.send(p.RUN, request, b"0", begin_by_in(1))
    worker.send(p.RECALL)
    worker.process.send_signal(signal.SIGUSR1)
    got = worker.receive()
    while got[0] in (p.RESPONSE, p.CHUNK):
        got = worker.receive()
    assert (got[0], json.loads(got[2])) == (p.RECALLED, {"ids": [2, 3]})
    if stream:
        worker.interrupt(1, "client-gone")
        while got[0] != p.ERROR:
            got = worker.receive()
    else:
        assert worker.result(1) == '"1"'
    assert worker.run("0", 4) == '"0"'
    assert "begun 0" in worker.stdout()


def test_a_recall_of_a_worker_that_has_nothing_waiting_gives_back_nothing(start: Start) -> None:
    """Protocol §4."""
    worker = start(SLEEPY)
    worker.ready()
    worker.send(p.RECALL)
    assert worker.expect_json(p.RECALLED) == {"ids": []}
