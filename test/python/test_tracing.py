"""A request's place in the trace reaches a script that has the real OpenTelemetry, and only such a one."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import pytest
from conftest import OPENTELEMETRY_PYTHON, Start, Worker, needs_opentelemetry
from libraries import Answered
from scorefn_worker import protocol as p
from scorefn_worker.frames import encode_meta

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
NONE = ["0" * 32, None]

SET_UP = """
import json
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exported = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exported))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("mine")
def init(): pass
def told():
    "The spans made since the last call: name, trace, parent."
    spans = exported.get_finished_spans()
    exported.clear()
    hexes = lambda one: [trace.format_trace_id(one.trace_id), trace.format_span_id(one.span_id)]
    return [[span.name, *(hexes(span.parent) if span.parent else ["0" * 32, None])] for span in spans]
def current():
    context = trace.get_current_span().get_span_context()
    return [trace.format_trace_id(context.trace_id), context.is_remote, context.trace_state.to_header()]
"""


def traced(start: Start, script: str, **hello: Any) -> Worker:
    """Start a script that has OpenTelemetry set up."""
    worker = start(f"{SET_UP}{textwrap.dedent(script)}", python=OPENTELEMETRY_PYTHON, **hello)
    worker.expect(p.WORKER_HELLO)
    worker.expect(p.LOADED)
    assert worker.expect_json(p.READY)["traces"] is True
    return worker


def ask(worker: Worker, meta: dict[str, Any], body: bytes = b"", request: int = 1) -> Any:
    return json.loads(worker.run_meta(meta, body, request))


@needs_opentelemetry
def test_spans_of_a_synchronous_run_are_children_of_the_given_place(start: Start) -> None:
    worker = traced(
        start,
        """
        def run(data):
            with tracer.start_as_current_span("one"):
                with tracer.start_as_current_span("inner"): pass
            before = told()
            return [before[-1], current()]
        """,
    )
    place = {"traceparent": TRACEPARENT, "tracestate": "a=1,b=2"}
    assert ask(worker, place) == [["one", TRACE, PARENT], [TRACE, True, "a=1,b=2"]]
    assert ask(worker, {}, request=2) == [["one", *NONE], [NONE[0], False, ""]]
    assert ask(worker, {"traceparent": TRACEPARENT}, request=3) == [["one", TRACE, PARENT], [TRACE, True, ""]]


@needs_opentelemetry
def test_a_context_that_the_script_leaves_attached_or_an_exception_is_gone_with_the_request(start: Start) -> None:
    worker = traced(
        start,
        """
        from opentelemetry import context
        def run(data):
            context.attach(trace.set_span_in_context(tracer.start_span("left")))
            if data: raise ValueError(data)
            return current()
        """,
    )
    worker.pipe.sendall(encode_meta(p.RUN_META, 1, {"traceparent": TRACEPARENT}, b"x"))
    worker.error(1, "run")
    left = ask(worker, {"traceparent": TRACEPARENT.replace("4", "5")}, request=2)[0]
    assert left == TRACE.replace("4", "5")
    assert ask(worker, {}, b"", request=3)[0] not in (TRACE, left)


@needs_opentelemetry
def test_requests_of_an_async_script_have_a_place_each(start: Start) -> None:
    worker = traced(
        start,
        """
        import asyncio
        both = []
        async def run(data):
            with tracer.start_as_current_span(data):
                both.append(data)
                while len(both) < 2: await asyncio.sleep(0)
                await asyncio.gather(inner(data), asyncio.create_task(inner(data)))
            return current()
        async def inner(data):
            with tracer.start_as_current_span(f"inner {data}"): await asyncio.sleep(0)
        """,
        concurrency=2,
    )
    other = "f" * 32
    worker.pipe.sendall(
        encode_meta(p.RUN_META, 1, {"traceparent": TRACEPARENT}, b"a")
        + encode_meta(p.RUN_META, 2, {"traceparent": f"00-{other}-{PARENT}-00"}, b"b")
    )
    answers = {}
    for _ in range(2):
        _, request, payload = worker.receive()
        answers[request] = json.loads(payload[8:])[0]
    assert answers == {1: TRACE, 2: other}
    assert ask(worker, {}, b"c", request=3) == [NONE[0], False, ""]


@needs_opentelemetry
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_each_piece_of_a_generator_is_made_in_the_place(start: Start, kind: str) -> None:
    worker = traced(
        start,
        f"""
        {kind} run(data):
            for name in data.split():
                with tracer.start_as_current_span(name):
                    yield json.dumps(current()) + chr(10)
            yield json.dumps(told()) + chr(10)
        """,
        concurrency=2,
    )
    worker.pipe.sendall(encode_meta(p.RUN_META, 1, {"traceparent": TRACEPARENT}, b"a b"))
    answered = Answered(worker)
    *pieces, spans = [json.loads(line) for line in b"".join(answered.chunks).splitlines()]
    assert [piece[0] for piece in pieces] == [TRACE, TRACE]
    assert spans == [["a", TRACE, PARENT], ["b", TRACE, PARENT]]


@needs_opentelemetry
def test_a_script_that_takes_headers_continues_its_callers_trace_unless_the_server_has_its_own(start: Start) -> None:
    worker = traced(start, "def run(data, request_headers): return [current(), request_headers.get('Traceparent')]\n")
    theirs = {"headers": {"traceparent": TRACEPARENT, "tracestate": "a=1"}, "requestId": "r"}
    assert ask(worker, theirs) == [[TRACE, True, "a=1"], TRACEPARENT]
    own = f"00-{'e' * 32}-{PARENT}-01"
    assert ask(worker, {**theirs, "traceparent": own}, request=2) == [["e" * 32, True, ""], TRACEPARENT]


@needs_opentelemetry
def test_a_raw_script_and_the_pieces_of_its_answer_are_in_the_place(start: Start) -> None:
    worker = traced(
        start,
        """
        from azureml.contrib.services.aml_request import rawhttp
        from azureml.contrib.services.aml_response import AMLResponse
        from flask import Response
        @rawhttp
        def run(request):
            first = current()
            return Response(json.dumps(each) + chr(10) for each in (first, current()))
        """,
    )
    meta = {"method": "POST", "path": "/score", "query": "", "requestId": "r", "headers": {"traceparent": TRACEPARENT}}
    worker.pipe.sendall(encode_meta(p.RUN_META, 1, meta, b""))
    answered = Answered(worker)
    assert [json.loads(line) for line in b"".join(answered.chunks).splitlines()] == [[TRACE, True, ""]] * 2


MALFORMED = [
    "",
    "x",
    TRACEPARENT.upper(),
    f"{TRACEPARENT}-more",
    f"ff-{TRACE}-{PARENT}-01",
    f"00-{'0' * 32}-{PARENT}-01",
    f"00-{TRACE}-{'0' * 16}-01",
    f"{TRACEPARENT}\n",
    f"00-{TRACE}-{PARENT}-0\u0661",
    "0" * 10_000,
]


@needs_opentelemetry
def test_a_malformed_place_is_none_and_a_malformed_tracestate_spoils_nothing(start: Start) -> None:
    worker = traced(start, "def run(data): return current()\n")
    for number, parent in enumerate(MALFORMED, 1):
        assert ask(worker, {"traceparent": parent}, request=number) == [NONE[0], False, ""], parent
    assert ask(worker, {"traceparent": f"01-{TRACE}-{PARENT}-01-more"}, request=99)[0] == TRACE
    for number, state in enumerate(["a", "=", "a=1,a=2", "A=1", "a=é", "a=1," * 33, "x" * 10_000, "a=1\n"], 100):
        found = ask(worker, {"traceparent": TRACEPARENT, "tracestate": state}, request=number)
        assert found == [TRACE, True, ""], state
    assert ask(worker, {"traceparent": TRACEPARENT, "tracestate": " a@b=1 ,, c=2\t"}, request=200)[2] == "a@b=1,c=2"
    assert worker.stderr() == ""


@pytest.mark.parametrize(
    "library",
    [
        "",
        "class SpanContext:\n    def __init__(self, **_): raise TypeError('another version')\n",
        "SpanContext = TraceFlags = NonRecordingSpan = lambda *_, **__: None\nset_span_in_context = lambda _: 1\n",
    ],
)
def test_a_library_of_another_version_fails_no_request(start: Start, app: Path, library: str) -> None:
    package = app / "opentelemetry"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "context.py").write_text("def attach(context): return context\n")
    (package / "trace.py").write_text(library)
    worker = start("import opentelemetry.trace\ndef init(): pass\ndef run(data): return data\n")
    worker.expect(p.WORKER_HELLO)
    worker.expect(p.LOADED)
    assert worker.expect_json(p.READY) == {"traces": True}
    assert worker.run_meta({"traceparent": TRACEPARENT}, b"x") == '"x"'


def test_a_script_without_the_library_has_none_of_it(start: Start) -> None:
    worker = start("""
        import os, sys
        def init(): pass
        def run(data): return [name for name in sys.modules if "opentelemetry" in name], "TRACEPARENT" in os.environ
    """)
    worker.expect(p.WORKER_HELLO)
    worker.expect(p.LOADED)
    assert worker.expect_json(p.READY) == {}
    assert ask(worker, {"traceparent": TRACEPARENT}) == [[], False]


@needs_opentelemetry
def test_no_variable_of_the_environment_tells_the_place(start: Start) -> None:
    worker = traced(start, "import os\ndef run(data): return 'TRACEPARENT' in os.environ\n")
    assert ask(worker, {"traceparent": TRACEPARENT}) is False


@needs_opentelemetry
def test_a_library_that_only_run_imports_gets_no_place(start: Start) -> None:
    script = """
        def init(): pass
        def run(data):
            from opentelemetry import trace
            return trace.get_current_span().get_span_context().trace_id
    """
    worker = start(script, python=OPENTELEMETRY_PYTHON)
    worker.expect(p.WORKER_HELLO)
    worker.expect(p.LOADED)
    assert worker.expect_json(p.READY) == {}
    assert ask(worker, {"traceparent": TRACEPARENT}) == 0
