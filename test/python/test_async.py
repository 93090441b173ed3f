"""Async scripts: requests share one event loop (protocol §4; SIG-10 RULE)."""

from __future__ import annotations

import json

import pytest
from conftest import Start, begin_by_in, eventually
from scorefn_worker import protocol as p
from scorefn_worker.frames import encode, encode_json

GATE = """
    import asyncio
    async def init():
        global gates, loop
        gates, loop = {}, asyncio.get_running_loop()
    async def run(data):
        assert asyncio.get_running_loop() is loop
        print("begun", data)
        try:
            if data.startswith("open"):
                gates[data[4:]].set()
            elif data:
                gates[data] = asyncio.Event()
                await gates[data].wait()
            return data
        finally:
            print("ended", data)
"""


def test_several_requests_are_under_way_at_a_time(start: Start) -> None:
    worker = start(GATE, concurrency=3)
    assert worker.ready() == {"takes": "body", "concurrent": True}
    worker.pipe.sendall(encode(p.RUN, 1, b"a") + encode(p.RUN, 2, b"b") + encode(p.RUN, 3, b"openb"))
    assert {worker.receive()[1], worker.receive()[1]} == {2, 3}
    assert worker.run("opena", 4) == '"opena"'
    assert worker.result(1) == '"a"'


def test_begins_no_more_than_the_concurrency_and_in_order(start: Start) -> None:
    worker = start(GATE, concurrency=2)
    worker.ready()
    worker.pipe.sendall(b"".join(encode(p.RUN, request, b"%d" % request) for request in (1, 2, 3, 4)))
    eventually(lambda: "begun 2" in worker.stdout())
    assert "begun 3" not in worker.stdout()
    worker.interrupt(1)
    worker.error(1, "interrupted")
    eventually(lambda: "begun 3" in worker.stdout())
    assert "begun 4" not in worker.stdout()
    worker.interrupt(2)
    worker.error(2, "interrupted")
    eventually(lambda: "begun 4" in worker.stdout())


@pytest.mark.parametrize("by_signal", [True, False])
def test_an_interrupt_cancels_run(start: Start, by_signal: bool) -> None:
    worker = start(GATE, concurrency=2)
    worker.ready()
    worker.send(p.RUN, 1, b"a")
    eventually(lambda: "begun a" in worker.stdout())
    worker.interrupt(1, by_signal=by_signal)
    report = worker.error(1, "interrupted")
    assert report["type"] == "TimeoutError"
    assert "Script failed to finish execution within the allocated time: 1500ms" in report["traceback"]
    assert report["location"]["source"] == "await gates[data].wait()"
    assert worker.stdout().endswith("ended a\n")


def test_an_interrupt_that_comes_with_its_request_is_answered(start: Start) -> None:
    worker = start(GATE)
    worker.ready()
    worker.pipe.sendall(encode(p.RUN, 1, b"a") + encode_json(p.INTERRUPT, 1, {"reason": "client-gone"}))
    assert worker.error(1, "interrupted")["type"] == "InterruptedError"
    assert worker.run("", 2) == '""'


def test_a_cancellation_of_the_scripts_own_is_an_ordinary_error(start: Start) -> None:
    worker = start("""
        import asyncio
        def init(): pass
        async def run(data): raise asyncio.CancelledError
    """)
    worker.ready()
    assert worker.fail()["type"] == "CancelledError"


def test_a_script_that_swallows_the_cancellation_still_answers(start: Start) -> None:
    worker = start("""
        import asyncio
        def init(): pass
        async def run(data):
            try:
                print("begun")
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                return "late"
    """)
    worker.ready()
    worker.send(p.RUN, 1)
    eventually(lambda: "begun" in worker.stdout())
    worker.interrupt(1)
    assert worker.result(1) == '"late"'


@pytest.mark.parametrize("failure", ["raise SystemExit(1)", "raise KeyboardInterrupt", "raise StopIteration", "1 / 0"])
def test_answers_whatever_run_or_its_tasks_raise(start: Start, failure: str) -> None:
    worker = start(f"""
        import asyncio
        def init(): pass
        async def fail(): {failure}
        async def run(data):
            if data == "task":
                task = asyncio.create_task(fail())
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            elif data:
                {failure}
            return 1
    """)
    worker.ready()
    assert "UserScriptException" in worker.fail("x", 1)["traceback"]
    assert worker.run("task", 2) == "1"
    assert worker.run("", 3) == "1"


@pytest.mark.parametrize(("init", "run"), [("async ", ""), ("", "async "), ("async ", "async ")])
def test_init_and_run_are_async_or_not_as_they_like(start: Start, init: str, run: str) -> None:
    worker = start(f"""
        state = []
        {init}def init(): state.append(1)
        {run}def run(data): return state
    """)
    assert worker.ready()["concurrent"] == bool(run)
    assert worker.run() == "[1]"


def test_an_async_init_that_fails_ends_the_worker(start: Start) -> None:
    failure = start("async def init(): raise SystemExit(0)\nasync def run(data): pass\n").failed("init")
    assert failure["error"]["location"]["function"] == "init"


def test_takes_big_bodies_bad_bodies_and_headers(start: Start) -> None:
    worker = start("""
        def init(): pass
        async def run(data, request_headers=None): return [len(data), request_headers]
    """)
    assert worker.ready()["takes"] == "headers"
    assert json.loads(worker.run_meta({"headers": {"a-b": "c"}}, b"x" * 500_000)) == [500_000, {"A-B": "c"}]
    assert json.loads(worker.run("é" * 500_000, 2)) == [500_000, None]
    assert "position 400000" in worker.fail(b"x" * 400_000 + b"\xff" + b"x" * 400_000, 3, "input")["message"]
    assert json.loads(worker.run("", 4)) == [0, None]


def test_sends_results_larger_than_the_pipe_holds(start: Start) -> None:
    worker = start("def init(): pass\nasync def run(data): return data * 3_000_000\n", concurrency=3)
    worker.ready()
    for request, letter in enumerate(b"abc", start=1):
        worker.send(p.RUN, request, bytes([letter]))
    for _ in range(3):
        kind, request, payload = worker.receive()
        assert kind == p.RESULT
        assert bytes(payload[8:]) == b'"' + b" abc"[request : request + 1] * 3_000_000 + b'"'


def test_stop_finishes_what_has_begun_and_begins_nothing_more(start: Start) -> None:
    worker = start(GATE, concurrency=2)
    worker.ready()
    frames = [(p.RUN, 1, b"a"), (p.RUN, 2, b"b"), (p.RUN, 3, b"c", begin_by_in(1)), (p.STOP, 0, b"")]
    worker.pipe.sendall(b"".join(encode(*frame) for frame in frames))
    eventually(lambda: "begun b" in worker.stdout())
    worker.interrupt(1)
    worker.error(1, "interrupted")
    worker.interrupt(2)
    worker.error(2, "interrupted")
    assert worker.exit_code() == 0
    assert "begun c" not in worker.stdout()


def test_the_pipe_closing_ends_the_worker_at_once(start: Start) -> None:
    worker = start(GATE, concurrency=2)
    worker.ready()
    worker.send(p.RUN, 1, b"a")
    eventually(lambda: "begun a" in worker.stdout())
    worker.pipe.close()
    assert worker.exit_code() == 0


def test_a_forked_child_that_returns_into_the_loop_ends(start: Start) -> None:
    worker = start("""
        import os
        def init(): pass
        async def run(data):
            child = os.fork()
            return os.waitpid(child, 0)[1] if child else "from the child"
    """)
    worker.ready()
    assert worker.run() == "0"
    assert worker.run("", 2) == "0"


def test_a_recall_gives_back_what_has_not_begun(start: Start) -> None:
    """Protocol §4."""
    worker = start(
        """
        import asyncio
        def init(): pass
        async def run(data):
            print("begun", data)
            await asyncio.sleep(float(data))
            return data
        """,
        concurrency=2,
    )
    worker.ready()
    for request, seconds, begin_by in (
        (1, b"0.3", 0),
        (2, b"0.3", 0),
        (3, b"0", begin_by_in(1)),
        (4, b"0", begin_by_in(1)),
    ):
        worker.send(p.RUN, request, seconds, begin_by)
    worker.send(p.RECALL)
    assert worker.expect_json(p.RECALLED) == {"ids": [3, 4]}
    assert [worker.result(1), worker.result(2)] == ['"0.3"', '"0.3"']
    assert "begun 0\n" not in worker.stdout()
