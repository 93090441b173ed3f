"""What a script prints and logs is handed to the front where HELLO asks for it, and costs no request its time."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Start, Worker, begin_by_in, eventually
from scorefn_worker import protocol as p
from scorefn_worker.frames import encode_meta
from scorefn_worker.record_channel import MAX_BYTES
from scorefn_worker.records import MAX_MESSAGE

Record = dict[str, Any]


class Listener:
    """Takes a worker's frames apart into records and all others."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.records: list[Record] = []
        self.dropped = 0
        self.frames: list[tuple[int, int, bytes]] = []
        """All others, in order."""
        self.order: list[str] = []
        """Messages, and `<type> <request>` of the others, as they came."""

    def receive(self) -> int:
        """Wait for one frame and return its type."""
        kind, request, payload = self.worker.receive()
        if kind != p.RECORDS:
            self.frames.append((kind, request, payload))
            self.order.append(f"{kind} {request}")
            return kind
        assert request == 0
        told = json.loads(payload)
        assert set(told) == {"records", "dropped"}
        assert told["records"] or told["dropped"]
        self.records += told["records"]
        self.dropped += told["dropped"]
        self.order += [record["message"] for record in told["records"]]
        return kind

    def until(self, condition: Callable[[], bool]) -> Listener:
        while not condition():
            self.receive()
        return self

    def until_frame(self, kind: int, request: int = 0) -> bytes:
        """Wait for a frame of this type, records apart; return its payload."""
        self.until(lambda: any(frame[:2] == (kind, request) for frame in self.frames))
        return next(payload for *head, payload in self.frames if head == [kind, request])

    def ready(self) -> Listener:
        self.until_frame(p.READY)
        return self

    def run(self, body: str = "", request: int = 1, **meta: Any) -> Any:
        self.worker.pipe.sendall(encode_meta(p.RUN_META, request, meta, body.encode()))
        return json.loads(self.until_frame(p.RESULT, request)[8:])

    def messages(self) -> list[str]:
        return [record["message"] for record in self.records]

    def rest(self) -> Listener:
        """Receive until the worker has closed the pipe."""
        try:
            while True:
                self.receive()
        except EOFError:
            return self


def listen(start: Start, script: str, **hello: Any) -> Listener:
    return Listener(start(script, records=True, **hello))


def ids(request: str) -> dict[str, str]:
    return {"logFields": f',"request_id":"{request}","trace_id":"t"'}


def test_records_of_the_scripts_loggers_come_before_the_answer_in_one_write(start: Start) -> None:
    listener = listen(
        start,
        """
        import logging, sys
        def init(): pass
        def run(data):
            print("one", 2)
            log = logging.getLogger("azmlinfsrv.trace.own")
            log.info("%s", data); log.warning("w"); log.error("e"); log.critical("c"); log.log(35, "odd"); log.debug("")
            logging.getLogger("azmlinfsrv").warning("the worker's own")
            logging.getLogger("azmlinfsrv.tracer").warning("another")
            logging.getLogger("mine").warning("mine")
            print("elsewhere", file=sys.stderr)
            return "done"
        """,
    ).ready()
    before = time.time() * 1000
    assert listener.run("data", **ids("r")) == "done"
    assert listener.order[-7:] == ["one 2", "data", "w", "e", "c", "odd", f"{p.RESULT} 1"]
    levels = [(record["level"], record["logger"]) for record in listener.records]
    own = "azmlinfsrv.trace.own"
    assert levels == [
        ("INFO", "azmlinfsrv.print"),
        *[(level, own) for level in ("INFO", "WARNING", "ERROR", "CRITICAL", "WARNING")],
    ]
    for record in listener.records:
        assert record["fields"] == {"request_id": "r", "trace_id": "t"}
        assert before - 1 <= record["time"] <= time.time() * 1000
        assert record["place"]["file"].endswith("app/score.py")
        assert record["place"]["function"] == "run"
    assert [record["place"]["line"] for record in listener.records] == [5, 7, 7, 7, 7, 7]
    # And written as ever.
    assert listener.worker.stdout().count("azmlinfsrv.print - one 2\n") == 1
    assert "request_id" not in listener.worker.stdout()


def test_what_is_not_asked_for_is_not_handed_over_and_text_is_the_same_to_the_byte(start: Start) -> None:
    script = """
        import logging
        def init(): print("init")
        def run(data):
            print("run")
            logging.getLogger("azmlinfsrv.trace").error("failed", exc_info=ValueError("x"))
            return "x"
    """
    plain = start(script, name="score.py")
    plain.ready()
    assert plain.run_meta(ids("r")) == '"x"'
    listener = listen(start, script).ready()
    assert listener.run(**ids("r")) == "x"
    written = [
        [line[24:].replace(str(each.process.pid), "PID") for line in each.stdout().split("\n")]
        for each in (plain, listener.worker)
    ]
    assert written[0] == written[1]
    assert plain.stderr() == listener.worker.stderr() == ""
    assert listener.messages() == ["init", "run", "failed\nValueError: x"]


def test_what_import_and_init_print_comes_before_they_have_ended_or_failed(start: Start) -> None:
    listener = listen(
        start,
        """
        import os, time
        print("import")
        def init():
            print("init")
            while not os.path.exists("go"): time.sleep(0.01)
            print("failing")
            raise ValueError("no")
        """
        + "def run(data): pass",
    )
    listener.until(lambda: "init" in listener.messages())
    assert not any(kind == p.READY for kind, *_ in listener.frames)
    (listener.worker.cwd / "go").touch()
    listener.until_frame(p.FAILED)
    assert listener.order[-2:] == ["failing", f"{p.FAILED} 0"]
    assert all("fields" not in record for record in listener.records)


def test_records_come_while_idle_in_a_long_run_and_at_the_end(start: Start) -> None:
    listener = listen(
        start,
        """
        import atexit, os, threading, time
        go_on = threading.Event()
        def late():
            go_on.wait(); print("late")
        def init():
            threading.Thread(target=late, daemon=True).start()
            atexit.register(print, "at exit")
        def run(data):
            if data == "long":
                print("begun")
                while not os.path.exists("go"): time.sleep(0.01)
            else:
                go_on.set()
            return data
        """,
    ).ready()
    listener.worker.pipe.sendall(encode_meta(p.RUN_META, 1, ids("r"), b"long"))
    listener.until(lambda: "begun" in listener.messages())
    assert not any(kind == p.RESULT for kind, *_ in listener.frames)
    (listener.worker.cwd / "go").touch()
    listener.until_frame(p.RESULT, 1)
    assert listener.run("go", request=2) == "go"
    listener.until(lambda: "late" in listener.messages())
    assert "fields" not in listener.records[-1]
    listener.worker.send(p.STOP)
    assert listener.rest().messages() == ["begun", "late", "at exit"]
    assert listener.worker.exit_code() == 0


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_records_of_threads_tasks_and_streams_have_the_fields_of_their_request(start: Start, kind: str) -> None:
    listener = listen(
        start,
        f"""
        import threading
        from concurrent.futures import ThreadPoolExecutor
        pool = ThreadPoolExecutor(1)
        def init(): pool.submit(print, "from init").result()
        {kind} run(data):
            thread = threading.Thread(target=print, args=(f"{{data}} thread",))
            thread.start(); thread.join()
            pool.submit(print, f"{{data}} pool").result()
            for piece in "ab":
                print(data, piece)
                yield piece
        """,
        concurrency=2,
    ).ready()
    worker = listener.worker
    worker.pipe.sendall(encode_meta(p.RUN_META, 1, ids("one"), b"one") + encode_meta(p.RUN_META, 2, ids("two"), b"two"))
    for request in (1, 2):
        listener.until_frame(p.END, request)
    owners = {(record["message"], (record.get("fields") or {}).get("request_id")) for record in listener.records}
    texts = ("thread", "pool", "a", "b")
    assert owners == {("from init", None), *((f"{name} {text}", name) for name in ("one", "two") for text in texts)}


def test_tasks_of_an_async_script_have_the_fields_of_their_request_after_its_answer_too(start: Start) -> None:
    listener = listen(
        start,
        """
        import asyncio
        def init(): pass
        tasks = []
        async def later(data):
            await asyncio.sleep(0.01)
            print("later", data)
        async def run(data):
            tasks.append(asyncio.create_task(later(data)))
            print("run", data)
            return data
        """,
        concurrency=4,
    ).ready()
    for request in range(1, 5):
        listener.worker.pipe.sendall(encode_meta(p.RUN_META, request, ids(str(request)), str(request).encode()))
    listener.until(lambda: len(listener.records) == 8)
    assert {(each["message"], each["fields"]["request_id"]) for each in listener.records} == {
        (f"{what} {request}", str(request)) for what in ("run", "later") for request in range(1, 5)
    }
    for request in range(1, 5):
        assert listener.order.index(f"run {request}") < listener.order.index(f"{p.RESULT} {request}")


CUT = "… [cut, of 100000 characters]"


@pytest.mark.parametrize(
    ("printed", "handed_over"),
    [
        ("'x' * 32768", "x" * MAX_MESSAGE),
        (r"'\U0001f600' * 100_000", "\U0001f600" * (MAX_MESSAGE - len(CUT)) + CUT),
        (r"'\x00' * 32768", "\0" * MAX_MESSAGE),
        (r"'\ud83d' * 32768", "\ud83d" * MAX_MESSAGE),
        (r"'half \ud83d, line\u2028end, \x7f \"quoted\" {}'", 'half \ud83d, line\u2028end, \x7f "quoted" {}'),
    ],
)
def test_a_long_message_is_cut_and_says_so_and_any_text_arrives(start: Start, printed: str, handed_over: str) -> None:
    listener = listen(start, f"def init(): pass\ndef run(data): print({printed})\n").ready()
    listener.run()
    assert listener.messages() == [handed_over]
    assert listener.dropped == 0


@pytest.mark.parametrize("kind", ["def", "async def"] if os.environ.get("CI") == "true" else ["def"])
def test_a_script_that_prints_without_end_loses_records_and_nothing_else(start: Start, kind: str) -> None:
    """Whoever counts finds each one, handed over or dropped; the worker's memory is bounded."""
    listener = listen(
        start,
        f"""
        import resource
        def init(): pass
        {kind} run(data):
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            for _ in range(50_000): print("x" * 1000)
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        """,
        concurrency=1,
    ).ready()
    for request in (1, 2):
        grown_kib = listener.run(request=request)
        assert grown_kib < 20_000
    listener.worker.send(p.STOP)
    listener.rest()
    assert listener.dropped + len(listener.records) == 100_000
    assert listener.dropped > 50_000
    assert len(listener.records) > 100


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_nothing_is_handed_over_while_nobody_reads_the_pipe(start: Start, kind: str) -> None:
    listener = listen(
        start,
        f"""
        import os, threading, time
        def init(): threading.Thread(target=fill, daemon=True).start()
        def fill():
            for index in range(3000):
                print(index, "x" * 1000)
                time.sleep(0.0005)
            open("filled", "w").close()
        {kind} run(data): return data
        """,
    ).ready()
    folder = listener.worker.cwd
    eventually(lambda: (folder / "filled").exists())
    assert listener.run("still here") == "still here"
    listener.worker.send(p.STOP)
    listener.rest()
    assert listener.dropped + len(listener.records) == 3000
    assert len(listener.records) * 1000 < 6 * MAX_BYTES


def test_records_do_not_part_begun_from_the_answer_before_it(start: Start) -> None:
    listener = listen(
        start,
        """
        import os, time
        def init(): pass
        def run(data):
            print("run", data)
            while data == "1" and not os.path.exists("go"): time.sleep(0.01)
            return data
        """,
    ).ready()
    worker = listener.worker
    worker.send(p.RUN, 1, b"1")
    worker.send(p.RUN, 2, b"2", begin_by_in(0.9))
    (worker.cwd / "go").touch()
    listener.until_frame(p.RESULT, 1)
    if listener.order[-1] == f"{p.RESULT} 1":
        listener.receive()
    assert listener.order[listener.order.index(f"{p.RESULT} 1") + 1] == f"{p.BEGUN} 2"


def test_an_interrupt_in_the_middle_of_prints_ends_the_request_and_no_more(start: Start) -> None:
    listener = listen(
        start,
        """
        def init(): pass
        def run(data):
            while data == "endless": print("x" * 100)
            return data
        """,
    ).ready()
    worker = listener.worker
    for request in range(1, 21):
        worker.send(p.RUN, request, b"endless")
        count = len(listener.records) + listener.dropped
        listener.until(lambda count=count: len(listener.records) + listener.dropped > count)
        worker.interrupt(request)
        assert json.loads(listener.until_frame(p.ERROR, request))["kind"] == "interrupted"
    assert listener.run("fine", request=99) == "fine"


def test_children_of_the_script_hand_nothing_over(start: Start) -> None:
    listener = listen(
        start,
        """
        import multiprocessing, os
        def init(): print("init")
        def child(): print("of the child", flush=True)
        def run(data):
            print("before")
            pid = os.fork()
            if pid == 0:
                child(); os._exit(0)
            os.waitpid(pid, 0)
            for method in ("fork", "spawn"):
                process = multiprocessing.get_context(method).Process(target=child)
                process.start(); process.join()
                assert process.exitcode == 0
            print("after")
            return data
        """,
    ).ready()
    for request in range(1, 4):
        assert listener.run("x", request=request) == "x"
    listener.worker.send(p.STOP)
    assert listener.rest().messages() == ["init", *["before", "after"] * 3]
    assert listener.dropped == 0


def test_a_child_that_falls_back_into_the_worker_ends(start: Start) -> None:
    listener = listen(
        start,
        """
        import os
        def init(): pass
        def run(data):
            print("both")
            pid = os.fork()
            if pid: assert os.waitpid(pid, 0) == (pid, 0)
            return data
        """,
    ).ready()
    for request in range(1, 6):
        assert listener.run("x", request=request) == "x"
    assert listener.messages() == ["both"] * 5


def test_records_below_the_threshold_are_none(start: Start) -> None:
    listener = listen(
        start,
        """
        import logging
        def init(): print("quiet")
        def run(data): logging.getLogger("azmlinfsrv.trace").warning("loud")
        """,
        logLevel="WARNING",
    ).ready()
    listener.run()
    assert listener.messages() == ["loud"]


CONFIGURATIONS = [
    {"version": 1, "loggers": {"azmlinfsrv": {"handlers": [], "propagate": False}}},
    {"version": 1, "disable_existing_loggers": True},
    {"version": 1, "loggers": {"azmlinfsrv.print": {"propagate": False, "level": "INFO"}}},
    {
        "version": 1,
        "handlers": {"out": {"class": "logging.StreamHandler"}},
        "loggers": {
            "azmlinfsrv.print": {"propagate": False, "handlers": ["out"]},
            "azmlinfsrv.trace": {"propagate": False, "handlers": ["out"]},
            "azmlinfsrv": {"level": "INFO"},
        },
    },
]


@pytest.mark.parametrize("config", CONFIGURATIONS)
def test_a_configuration_of_the_users_writes_as_without_and_records_are_handed_over(
    start: Start, config: dict[str, Any]
) -> None:
    script = """
        import logging
        def init(): pass
        def run(data):
            print("printed")
            logging.getLogger("azmlinfsrv.trace").warning("logged")
    """
    plain = start(script, logging=config)
    plain.ready()
    plain.run()
    listener = listen(start, script, logging=config).ready()
    listener.run()

    def written(worker: Worker) -> list[list[str]]:
        lines = [
            text.replace(str(worker.process.pid), "PID").split("\n") for text in (worker.stdout(), worker.stderr())
        ]
        return [[line[24:] if line[:2] == "20" else line for line in part] for part in lines]

    assert written(listener.worker) == written(plain)
    assert listener.messages() == ["printed", "logged"]


def test_a_configuration_that_the_script_applies_does_not_find_loggers_that_it_has_not_made(start: Start) -> None:
    listener = listen(
        start,
        """
        import logging.config
        logging.config.dictConfig({"version": 1})
        def init(): pass
        def run(data): logging.getLogger("azmlinfsrv.trace").warning("logged")
        """,
    ).ready()
    listener.run()
    assert "azmlinfsrv.trace" in " ".join(listener.worker.stdout().split("\n")[-2:])


def test_records_that_cannot_be_written_and_loggers_that_raise_fail_as_without(start: Start) -> None:
    listener = listen(
        start,
        """
        import logging
        class Bad:
            def __str__(self): raise RuntimeError("no text")
        def init(): logging.raiseExceptions = False
        def run(data):
            log = logging.getLogger("azmlinfsrv.trace")
            log.info("%d", "x")
            try: log.info("%s", Bad())
            except RuntimeError: log.info("raised")
            return data
        """,
    ).ready()
    assert listener.run("x") == "x"
    assert listener.messages() == ["raised"]


def test_json_logs_and_records_side_by_side(start: Start) -> None:
    listener = listen(
        start,
        """
        import threading
        def init(): pass
        def run(data):
            thread = threading.Thread(target=print, args=("thread",))
            thread.start(); thread.join()
        """,
        logFormat="json",
    ).ready()
    listener.run(**ids("r"))
    (record,) = listener.records
    assert record["fields"] == {"request_id": "r", "trace_id": "t"}
    assert json.loads(listener.worker.stdout().splitlines()[-1])["request_id"] == "r"


def test_raw_scripts_hand_over_before_a_streamed_answer_has_ended(start: Start) -> None:
    listener = listen(
        start,
        """
        from azureml.contrib.services.aml_request import rawhttp
        from azureml.contrib.services.aml_response import AMLResponse
        def init(): pass
        @rawhttp
        def run(request):
            print("run")
            return AMLResponse("x" * 100_000, 200)
        """,
    ).ready()
    meta = {"method": "POST", "path": "/score", "query": "", "requestId": "r", "headers": {}, **ids("r")}
    listener.worker.pipe.sendall(encode_meta(p.RUN_META, 1, meta, b""))
    listener.until_frame(p.RESPONSE, 1)
    assert listener.order[-2:] == ["run", f"{p.RESPONSE} 1"]


def test_the_thread_that_hands_over_takes_no_signals(start: Start) -> None:
    """A sleeping run() is woken by its INTERRUPT, whichever thread the system would have chosen."""
    listener = listen(
        start, "import time\ndef init(): pass\ndef run(data):\n    print('begun')\n    time.sleep(600)\n"
    ).ready()
    for request in range(1, 6):
        listener.worker.send(p.RUN, request, b"")
        listener.until(lambda request=request: listener.messages().count("begun") == request)
        listener.worker.interrupt(request)
        listener.until_frame(p.ERROR, request)
