"""Streamed answers of plain and async generators (protocol §6)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Start, Worker, eventually
from scorefn_worker import protocol as p
from scorefn_worker.frames import split_meta

PLAIN = ("", "")
ASYNC = ("async ", "await asyncio.sleep(0); ")
both = pytest.mark.parametrize("kind", [PLAIN, ASYNC], ids=["plain", "async"])


def generator(kind: tuple[str, str], body: str) -> str:
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    return f"import asyncio, json\ndef init(): pass\n{kind[0]}def run(data):\n    {kind[1]}pass\n{lines}\n"


def head(worker: Worker, request: int = 1) -> dict[str, Any]:
    meta, body = split_meta(worker.expect(p.RESPONSE, request))
    assert not body
    return meta


def chunks(worker: Worker, request: int = 1) -> list[bytes]:
    got = []
    while True:
        kind, which, payload = worker.receive()
        assert which == request
        if kind != p.CHUNK:
            assert kind == p.END, payload
            return got
        got.append(bytes(payload))


@both
@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (
            "yield b'a'; yield ''; yield bytearray(b'b'); yield 'é'",
            "application/octet-stream",
            [b"a", b"b", b"\xc3\xa9"],
        ),
        ("yield ''; yield 'a'; yield {'b': None}", "text/plain; charset=utf-8", [b"a", b'{"b": null}\n']),
        ("yield {'a': 'é'}; yield None", "application/x-ndjson", [b'{"a": "\\u00e9"}\n', b"null\n"]),
    ],
)
def test_sends_each_item_as_its_own_chunk(
    start: Start, kind: tuple[str, str], body: str, content_type: str, expected: list[bytes]
) -> None:
    worker = start(generator(kind, body))
    worker.ready()
    worker.send(p.RUN, 1)
    meta = head(worker)
    assert (meta["status"], meta["stream"], meta["fromScript"]) == (200, True, False)
    assert meta["headers"] == [["content-type", content_type]]
    assert meta["execMs"] > 0
    assert chunks(worker) == expected


@both
def test_a_generator_without_items_answers_with_an_empty_text(start: Start, kind: tuple[str, str]) -> None:
    worker = start(generator(kind, "if data: yield"))
    worker.ready()
    worker.send(p.RUN, 1)
    meta = head(worker)
    assert (meta["stream"], meta["headers"]) == (False, [["content-type", "text/plain; charset=utf-8"]])


@both
def test_an_exception_before_the_first_item_is_an_ordinary_error(start: Start, kind: tuple[str, str]) -> None:
    worker = start(generator(kind, "1 / 0\nyield"))
    worker.ready()
    assert worker.fail()["type"] == "ZeroDivisionError"
    assert worker.fail("", 2)["location"]["line"] == 5


@both
def test_a_first_item_without_a_json_form_is_a_result_error(start: Start, kind: tuple[str, str]) -> None:
    worker = start(generator(kind, "yield {1}"))
    worker.ready()
    assert "set is not JSON serializable" in worker.fail(kind="result")["message"]


@both
@pytest.mark.parametrize("failure", ["raise SystemExit(1)", "yield {1}", "yield '\\ud800'"])
def test_an_exception_midway_ends_the_stream_with_an_error(start: Start, kind: tuple[str, str], failure: str) -> None:
    worker = start(generator(kind, f"yield 'a'\n{failure}\nyield 'b'"))
    worker.ready()
    worker.send(p.RUN, 1)
    head(worker)
    assert worker.expect(p.CHUNK, 1) == b"a"
    worker.error(1, "stream")


@both
def test_waits_for_credit_and_overdraws_it_once(start: Start, kind: tuple[str, str]) -> None:
    worker = start(generator(kind, "for i in range(8): print('item', i); yield b'%d' % i * 100_000"))
    worker.ready()
    worker.send(p.RUN, 1)
    head(worker)
    sizes = [len(worker.expect(p.CHUNK, 1)) for _ in range(3)]
    assert sum(sizes) == 300_000, "262,144 bytes of credit, overdrawn by the third chunk"
    worker.credit(1, 30_000)
    worker.credit(1, 10_000)
    worker.expect(p.CHUNK, 1)
    assert "item 4" not in worker.stdout(), "the generator is not run ahead of its reader"
    worker.credit(1, 10_000_000)
    assert len(chunks(worker)) == 4


def test_requests_that_wait_behind_a_stream_keep_their_order(start: Start) -> None:
    worker = start(generator(PLAIN, "for _ in range(4): yield data * 100_000"))
    worker.ready()
    for request in (1, 2, 3):
        worker.send(p.RUN, request, b"%d" % request)
    for request in (1, 2, 3):
        head(worker, request)
        for _ in range(3):
            worker.expect(p.CHUNK, request)
        worker.credit(request, 1_000_000)
        assert chunks(worker, request) == [b"%d" % request * 100_000]


@both
@pytest.mark.parametrize("waiting", [True, False], ids=["for credit", "in a step"])
def test_an_interrupt_closes_the_generator(start: Start, kind: tuple[str, str], waiting: bool) -> None:
    step = (
        "pass"
        if waiting
        else f"{kind[1]}print('asleep'); {'await asyncio' if kind[0] else 'import time; time'}.sleep(60)"
    )
    body = f"try:\n    yield b'x' * 300_000\n    {step}\n    yield b''\nfinally:\n    print('closed')"
    worker = start(generator(kind, body))
    worker.ready()
    worker.send(p.RUN, 1)
    head(worker)
    worker.expect(p.CHUNK, 1)
    if not waiting:
        from conftest import eventually

        worker.credit(1, 1_000_000)
        eventually(lambda: "asleep" in worker.stdout())
    worker.interrupt(1)
    worker.error(1, "interrupted")
    assert worker.stdout().endswith("closed\n")
    worker.send(p.RUN, 2)
    head(worker, 2)


def test_a_generator_that_refuses_to_close_does_no_harm(start: Start) -> None:
    worker = start(generator(PLAIN, "while True:\n    try: yield b'x' * 300_000\n    except GeneratorExit: pass"))
    worker.ready()
    worker.send(p.RUN, 1)
    head(worker)
    worker.expect(p.CHUNK, 1)
    worker.interrupt(1, "client-gone")
    assert worker.error(1, "interrupted")["type"] == "InterruptedError"


def test_an_async_run_may_return_a_plain_generator(start: Start) -> None:
    worker = start("""
        def init(): pass
        async def run(data): return (str(i) for i in range(3))
    """)
    worker.ready()
    worker.send(p.RUN, 1)
    head(worker)
    assert chunks(worker) == [b"0", b"1", b"2"]


def test_async_streams_share_the_pipe(start: Start) -> None:
    worker = start(generator(ASYNC, "for i in range(3): await asyncio.sleep(0); yield {data: i}"), concurrency=4)
    worker.ready()
    for request in (1, 2, 3, 4):
        worker.send(p.RUN, request, b"%d" % request)
    got: dict[int, list[Any]] = {}
    ended = 0
    while ended < 4:
        kind, request, payload = worker.receive()
        ended += kind == p.END
        if kind == p.CHUNK:
            got.setdefault(request, []).append(json.loads(payload)[str(request)])
    assert got == {request: [0, 1, 2] for request in (1, 2, 3, 4)}


def test_a_generator_begins_even_when_the_interrupt_comes_first(start: Start, app: Path) -> None:
    """One that was closed before its first item would run none of its code, `finally` included."""
    worker = start("""
        import os, signal, sys, time
        def init(): pass
        def signal_between_run_and_the_first_item(frame, event, _):
            if event == "return" and frame.f_code.co_name == "call":
                sys.setprofile(None)
                os.kill(os.getpid(), signal.SIGUSR1)
        def items():
            try:
                print("item")
                yield "a"
                print("another")
                yield "b"
            finally:
                print("closed")
        def run(data):
            print("begun")
            while not os.path.exists(data): time.sleep(0.005)
            sys.setprofile(signal_between_run_and_the_first_item)
            return items()
    """)
    worker.ready()
    go = app / "go"
    worker.send(p.RUN, 1, str(go).encode())
    eventually(lambda: "begun" in worker.stdout())
    worker.interrupt(1, "client-gone", by_signal=False)
    go.touch()
    worker.expect(p.RESPONSE, 1)
    worker.expect(p.CHUNK, 1)
    worker.error(1, "interrupted")
    eventually(lambda: "closed" in worker.stdout())
    assert "item" in worker.stdout()
    assert "another" not in worker.stdout()
