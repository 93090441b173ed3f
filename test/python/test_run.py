"""Requests of synchronous scripts (contract sections 10.2, 12, 14 and Appendix B)."""

from __future__ import annotations

import json
import struct

import pytest
from conftest import DEADLINE_S, Start
from scorefn_worker import protocol as p
from scorefn_worker.frames import encode

ECHO = """
    def init(): pass
    def run(data): return data
"""

EVALUATE = """
    import collections, datetime, enum, json
    class Level(enum.IntEnum):
        high = 3
    class Loud(Exception):
        def __str__(self): raise SystemExit("even the text fails")
    class ndarray: pass
    def init(): pass
    def run(data):
        space = dict(globals())
        exec("def f():\\n " + data, space)
        return space["f"]()
"""


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ("'{\"a\":1}'", '"{\\"a\\":1}"'),
        ("None", "{}"),
        ("True", "true"),
        ("0.1", "0.1"),
        ("1e16", "1e+16"),
        ("10**30", "1" + "0" * 30),
        ('(1, "a", None)', '[1, "a", null]'),
        ('[float("nan"), float("inf"), -float("inf")]', "[NaN, Infinity, -Infinity]"),
        ('{"é": "日\\U0001f600/"}', '{"\\u00e9": "\\u65e5\\ud83d\\ude00/"}'),
        ('{1: "a", None: "c", 2.5: "d", True: "e"}', '{"1": "e", "null": "c", "2.5": "d"}'),
        ("Level.high", "3"),
        ("collections.OrderedDict(b=1, a=2)", '{"b": 1, "a": 2}'),
    ],
)
def test_renders_results_as_the_reference_does(start: Start, expression: str, text: str) -> None:
    """OUT-1, JSON-1 to JSON-5."""
    worker = start(EVALUATE)
    worker.ready()
    assert worker.run(f"return {expression}") == text


def test_hands_the_body_over_unchanged(start: Start) -> None:
    """IN-6: it need not be JSON, may be empty, and keeps its byte order mark."""
    worker = start(ECHO)
    assert worker.ready() == {"takes": "body", "concurrent": False}
    for request, body in enumerate(["", "not json", "\ufeffx", "日\U0001f600"], start=1):
        assert json.loads(worker.run(body, request)) == body


def test_answers_in_order_all_requests_that_wait_in_the_pipe(start: Start) -> None:
    worker = start(ECHO)
    worker.ready()
    worker.pipe.sendall(b"".join(encode(p.RUN, request, b"%d" % request) for request in range(1, 200)))
    for request in range(1, 200):
        assert worker.result(request) == f'"{request}"'


def test_takes_frames_that_arrive_byte_by_byte(start: Start) -> None:
    worker = start(ECHO)
    worker.ready()
    for byte in encode(p.RUN, 7, b"slow"):
        worker.pipe.sendall(bytes([byte]))
    assert worker.result(7) == '"slow"'


@pytest.mark.parametrize("size", [65_000, 262_144, 262_145, 3_000_000])
def test_takes_and_gives_bodies_of_every_size(start: Start, size: int) -> None:
    worker = start(ECHO)
    worker.ready()
    body = ("aé日" * (size // 6 + 1)).encode()[: size // 6 * 6]
    assert json.loads(worker.run(body, 1)) == body.decode()
    assert worker.run("next", 2) == '"next"'


@pytest.mark.parametrize("padding", [0, 300_000])
def test_answers_a_body_that_is_not_utf8_with_the_reason_python_gives(start: Start, padding: int) -> None:
    """IN-7, for bodies that are decoded whole and for those decoded piece by piece."""
    worker = start(ECHO)
    worker.ready()
    body = b"x" * padding + b"\xe2\x82(" + b"y" * padding
    report = worker.fail(body, kind="input")
    reason = f"'utf-8' codec can't decode bytes in position {padding}-{padding + 1}: invalid continuation byte"
    assert report["message"] == f"Input cannot be decoded as UTF-8: {reason}"
    assert worker.run("next", 2) == '"next"'


def test_says_how_long_run_took(start: Start) -> None:
    """HDR-10."""
    worker = start("""
        import time
        def init(): pass
        def run(data): time.sleep(0.05)
    """)
    worker.ready()
    worker.send(p.RUN, 1)
    (milliseconds,) = struct.unpack_from("<d", worker.expect(p.RESULT, 1))
    assert 50 <= milliseconds < DEADLINE_S * 1000


def test_passes_request_headers_to_a_script_that_asks(start: Start) -> None:
    """SIG-2, SIG-6, IN-21."""
    worker = start("""
        def init(): pass
        def run(request_headers, *, payload, extra=3): return [payload, request_headers, extra]
    """)
    assert worker.ready()["takes"] == "headers"
    headers = {"x-foo-bar": "a,b", "content-md5": "q", "un_der": "dropped", "x-h2o": "1"}
    text = worker.run_meta({"headers": headers, "requestId": "r"}, "é".encode())
    assert json.loads(text) == ["é", {"X-Foo-Bar": "a,b", "Content-Md5": "q", "X-H2O": "1"}, 3]


def test_takes_a_big_body_beside_headers(start: Start) -> None:
    worker = start("""
        def init(): pass
        def run(data, request_headers): return len(data)
    """)
    worker.ready()
    assert worker.run_meta({"headers": {}, "requestId": "r"}, b"x" * 1_000_000) == "1000000"


@pytest.mark.parametrize(
    ("statement", "name", "message"),
    [
        ('raise KeyError("data")', "KeyError", "'data'"),
        ('raise SystemExit("bye")', "SystemExit", "bye"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", ""),
        ("raise GeneratorExit", "GeneratorExit", ""),
        ('raise TimeoutError("mine")', "TimeoutError", "mine"),
        ("raise StopIteration", "StopIteration", ""),
        ("raise Loud", "Loud", "<exception str() failed>"),
        ("return f()", "RecursionError", "maximum recursion depth exceeded"),
    ],
)
def test_answers_whatever_run_raises_and_goes_on(start: Start, statement: str, name: str, message: str) -> None:
    """ERR-9, OUT-9, TMO-3: the script's own TimeoutError is an ordinary error."""
    worker = start(EVALUATE)
    worker.ready()
    report = worker.fail(statement)
    assert report["type"] == name
    assert report["message"].startswith(message)
    assert "scorefn_worker/" not in report["traceback"]
    assert report["traceback"].endswith("UserScriptException: Caught an unhandled exception from the user script")
    assert report["location"]["file"] == "score.py"
    assert worker.run("return 1", 2) == "1"


def test_shows_the_chain_of_exceptions_as_python_does(start: Start) -> None:
    """ERR-12."""
    worker = start("""
        def init(): pass
        def run(data):
            try:
                1 / 0
            except ZeroDivisionError as error:
                raise ValueError("no") from error
    """)
    worker.ready()
    text = worker.fail()["traceback"]
    assert text.startswith("Traceback (most recent call last):\n  File ")
    assert text.index("ZeroDivisionError: division by zero") < text.index("ValueError: no")
    assert text.count("The above exception was the direct cause of the following exception:") == 2


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (
            '{"scores": [1, {"x": ndarray()}]}',
            "Object of type ndarray is not JSON serializable (result['scores'][1]['x'])",
        ),
        ('b"bytes"', "Object of type bytes is not JSON serializable"),
        ("{1, 2}", "Object of type set is not JSON serializable"),
        ("{(1, 2): 3}", "keys must be str, int, float, bool or None, not tuple"),
    ],
)
def test_names_the_type_that_cannot_be_rendered(start: Start, expression: str, message: str) -> None:
    """OUT-7."""
    worker = start(EVALUATE)
    worker.ready()
    report = worker.fail(f"return {expression}", kind="result")
    assert (report["type"], report["message"]) == ("TypeError", message)
    assert worker.run("return 1", 2) == "1"


def test_answers_results_that_are_too_deep_or_contain_themselves(start: Start) -> None:
    worker = start(EVALUATE)
    worker.ready()
    report = worker.fail("a = []\n for _ in range(100000): a = [a]\n return a", 1, kind="result")
    assert report["type"] == "RecursionError"
    assert worker.fail("a = []\n a.append(a)\n return a", 2, kind="result")["type"] == "ValueError"


def test_advises_an_async_run_when_a_plain_one_returns_a_coroutine(start: Start) -> None:
    worker = start("""
        async def score(data): return 1
        def init(): pass
        def run(data): return score(data)
    """)
    worker.ready()
    assert "async def" in worker.fail(kind="result")["hint"]
    assert worker.stderr() == ""


def test_fails_each_request_when_run_needs_more_arguments(start: Start) -> None:
    """SIG-6."""
    worker = start("""
        def init(): pass
        def run(data, needed): pass
    """)
    worker.ready()
    assert "needed" in worker.fail()["message"]
