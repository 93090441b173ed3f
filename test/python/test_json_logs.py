"""Records as JSON objects: what a worker writes when HELLO says so."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from conftest import Start, Worker

MAX_LINE_BYTES = 4096


def records(worker: Worker, logger: str | None = None) -> list[dict[str, Any]]:
    """All that the worker has written, one object a line."""
    lines = worker.stdout().split("\n")
    assert lines.pop() == ""
    assert all(len(line.encode()) < MAX_LINE_BYTES for line in lines)
    everything = [json.loads(line) for line in lines]
    return [record for record in everything if logger in (None, record["logger"])]


def ids(request: str) -> dict[str, str]:
    return {"logFields": f',"request_id":"{request}","trace_id":"t"'}


def test_prints_and_logs_carry_the_ids_of_their_request(start: Start) -> None:
    worker = start(
        """
        import logging, sys
        logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
        def init(): print("init")
        def run(data):
            print("run", data)
            logging.info("root")
            logging.getLogger("mine").debug("too low")
            logging.getLogger("azmlinfsrv").warning("ours")
            print("elsewhere", file=sys.stderr)
            sys.stdout.write("raw\\n"); sys.stdout.flush()
        """,
        logFormat="json",
    )
    worker.ready()
    worker.run_meta(ids("one"), b"1")
    worker.run_meta(ids("two"), b"2", request=2)
    everything = worker.stdout().replace("raw\n", "")
    assert everything.count("\n") == worker.stdout().count("\n") - 2
    found = [json.loads(line) for line in everything.splitlines()]
    (init,) = (record for record in found if record["message"] == "init")
    pid = worker.process.pid
    assert list(init) == ["time", "level", "logger", "message", "pid", "worker"]
    assert (init["level"], init["logger"], init["pid"], init["worker"]) == ("INFO", "azmlinfsrv.print", pid, pid)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", init["time"])
    for request, body in (("one", "1"), ("two", "2")):
        mine = [(record["logger"], record["message"]) for record in found if record.get("request_id") == request]
        assert mine == [("azmlinfsrv.print", f"run {body}"), ("root", "root"), ("azmlinfsrv", "ours")]
    assert worker.stderr() == "elsewhere\n" * 2


def test_threads_pools_and_generators_keep_the_ids(start: Start) -> None:
    worker = start(
        """
        import threading
        from concurrent.futures import ThreadPoolExecutor
        pool = ThreadPoolExecutor(1)
        go_on = threading.Event()
        class Own(threading.Thread):
            def run(self): print("own")
        def late():
            go_on.wait()
            print("late")
        def init(): pool.submit(print, "from init").result()
        def run(data):
            threads = [Own(), threading.Thread(target=print, args=("target",)), threading.Timer(0, print, ("timer",))]
            for thread in threads:
                thread.start()
                thread.join()
            pool.submit(print, "pool").result()
            if data == "first":
                global waiting
                waiting = threading.Thread(target=late)
                waiting.start()
                return
            go_on.set()
            waiting.join()
        """,
        logFormat="json",
    )
    worker.ready()
    worker.run_meta(ids("one"), b"first")
    worker.run_meta(ids("two"), b"second", request=2)
    found = [(record["message"], record.get("request_id")) for record in records(worker, "azmlinfsrv.print")]
    texts = ("own", "target", "timer", "pool")
    expected = [("from init", None), *((text, "one") for text in texts), *((text, "two") for text in texts)]
    assert found == [*expected, ("late", "one")]


def test_any_text_becomes_valid_json(start: Start) -> None:
    worker = start(
        """
        import logging
        def init(): pass
        def run(data):
            print("\\ud800 \\udc80 é 😀 \\x00\\x1b[2J\\x7f\\x9b\\x85\\u2028 \\\\ud800 \\"")
            print("%s %d", 1)
            try:
                1 / 0
            except ZeroDivisionError:
                logging.getLogger("azmlinfsrv").exception("failed")
            logging.getLogger("n" * 9000).warning("x")
        """,
        logFormat="json",
        env={"PYTHONIOENCODING": "ascii"},
    )
    worker.ready()
    worker.run_meta(ids("one"))
    first, second, failed, last = records(worker)[-4:]
    assert first["message"] == '\ufffd \ufffd é 😀 \x00\x1b[2J\x7f\x9b\x85\u2028 \\ud800 "'
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028]", worker.stdout())
    assert second["message"] == "%s %d 1"
    assert failed["message"].startswith("failed\nTraceback") and failed["error"] == {"type": "ZeroDivisionError"}
    assert last["message"] == "x"


@pytest.mark.parametrize("text", ["x", "é", "😀", "\\x1b", "a😀"])
def test_a_long_record_comes_in_parts(start: Start, text: str) -> None:
    worker = start(
        f"def init(): pass\ndef run(data):\n    for count in (0, 900, 1300, 4000, 20000): print('{text}' * count)\n",
        logFormat="json",
    )
    worker.ready()
    worker.run_meta(ids("one"))
    messages = []
    for record in records(worker, "azmlinfsrv.print"):
        if record.get("part", 1) == 1:
            messages.append("")
            expected = 1
        assert record.get("part", 1) == expected
        expected += 1
        messages[-1] += record["message"]
    unit = text.replace("\\x1b", "\x1b")
    assert messages == [unit * count for count in (0, 900, 1300, 4000, 20000)]


def test_an_interrupt_leaves_whole_lines_and_the_next_request_its_own_ids(start: Start) -> None:
    worker = start(
        """
        def init(): pass
        def run(data):
            while data == "loop":
                print("again")
            print("fine")
        """,
        logFormat="json",
    )
    worker.ready()
    from scorefn_worker import protocol as p
    from scorefn_worker.frames import encode_meta

    worker.pipe.sendall(encode_meta(p.RUN_META, 1, ids("one"), b"loop"))
    while '"again"' not in worker.stdout():
        pass
    worker.interrupt(1)
    worker.error(1, "interrupted")
    worker.run_meta(ids("two"), b"", request=2)
    found = records(worker, "azmlinfsrv.print")
    assert {record["request_id"] for record in found[:-1]} == {"one"}
    assert (found[-1]["message"], found[-1]["request_id"]) == ("fine", "two")


def test_what_the_script_sets_up_itself_stays(start: Start) -> None:
    worker = start(
        """
        import logging, sys
        own = logging.StreamHandler(sys.stderr)
        own.setFormatter(logging.Formatter("own %(message)s"))
        logging.getLogger("mine").addHandler(own)
        logging.basicConfig(handlers=[logging.NullHandler()])
        def init(): pass
        def run(data): logging.getLogger("mine").warning("text")
        """,
        logFormat="json",
    )
    worker.ready()
    worker.run_meta(ids("one"))
    assert worker.stderr() == "own text\n"


def test_a_forked_child_prints_as_a_process_of_its_own(start: Start) -> None:
    worker = start(
        """
        import os, logging
        def init(): pass
        def run(data):
            child = os.fork()
            if child == 0:
                print("child", flush=True)
                logging.getLogger("mine").warning("child")
                os._exit(0)
            os.waitpid(child, 0)
        """,
        logFormat="json",
    )
    worker.ready()
    worker.run_meta(ids("one"))
    assert "child\n" in worker.stdout()
    assert worker.stderr().endswith("child\n")


def test_text_sets_nothing_of_it_up(start: Start) -> None:
    worker = start("""
        import sys, threading, logging
        def init(): pass
        def run(data): return ["scorefn_worker.json_logs" in sys.modules, threading.Thread.start.__module__,
                               logging.basicConfig.__module__]
    """)
    worker.ready()
    assert json.loads(worker.run()) == [False, "threading", "logging"]
