"""HTTP responses of score scripts: AMLResponse and Flask's own, with and without Flask (API-4 to API-7, OUT)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Start, Worker, eventually
from libraries import FLASK_PYTHON, LIBRARIES, Answered, ask, start_raw
from scorefn_worker import protocol as p

SCRIPT = """
from azureml.contrib.services.aml_request import rawhttp
from azureml.contrib.services.aml_response import AMLResponse
def init(): pass
def change(response, *steps):
    for step in steps: step(response)
    return response
def pieces(*items, fails=False):
    yield from items
    if fails: raise ValueError("midway")
def closing(on_close, *items):
    response = AMLResponse(pieces(*items), 200)
    response.call_on_close(lambda: print(on_close))
    return response
@rawhttp
def run(r):
    names = {"r": r, "R": AMLResponse, "change": change, "pieces": pieces, "closing": closing}
    return eval(r.headers["X-Eval"], names)
"""

HTML = "text/html; charset=utf-8"
JSON = "application/json"
Case = tuple[str, int, bytes, dict[str, Any]]

NEEDS_FLASK = re.compile(r"\br\.(set_cookie|delete_cookie|json)\(?")
"""What only Flask's and Werkzeug's response have."""

WHOLE: list[Case] = [
    # API-4, API-5
    ("R('é', 201)", 201, b"\xc3\xa9", {"content-type": [HTML], "x-ms-run-function-failed": ["False"]}),
    ("R(message=b'\\xff', status_code=200)", 200, b"\xff", {"content-type": [HTML]}),
    ("R(bytearray(b'x'), 200)", 200, b"x", {"content-type": [HTML]}),
    ("R(['a', b'b', 'é'], 200)", 200, b"ab\xc3\xa9", {"content-type": [HTML]}),
    ("R('', 200)", 200, b"", {"content-type": [HTML]}),
    ("R(None, 200)", 200, b"{}", {"content-type": [JSON]}),
    (
        "R({'a': [1, None], 'b': 'é'}, 200, {}, True)",
        200,
        b'{"a": [1, null], "b": "\\u00e9"}',
        {"content-type": [JSON]},
    ),
    ("R('x', 200, json_str=True)", 200, b'"x"', {"content-type": [JSON]}),
    # API-6
    ("R('', 200, run_function_failed=True)", 200, b"", {"x-ms-run-function-failed": ["True"]}),
    ("R('', 500, {}, False, False)", 500, b"", {"x-ms-run-function-failed": ["False"]}),
    # API-7
    ("R('', 200, {'A': '1, 2,3', 'X': '', 'Y': 'a,'})", 200, b"", {"a": ["1", "2", "3"], "x": [""], "y": ["a", ""]}),
    ("R('', 200, {'Content-Type': 'text/csv'})", 200, b"", {"content-type": ["text/csv"]}),
    ("R('', 200, {'Content-Type': 'text/csv', 'content-type': 'a/b'})", 200, b"", {"content-type": ["a/b"]}),
    ("R('x', 200, {'content-TYPE': 'a/b; c=\"d,e\"'}, True)", 200, b'"x"', {"content-type": ['a/b; c="d,e"']}),
    ("R(None, 200, {'Content-Type': 'a/b'})", 200, b"{}", {"content-type": ["a/b"]}),
    ("R('x', 200, {'content-length': '1'})", 200, b"x", {"content-length": ["1"]}),
    *(
        (f"R('', 200, {{'{name}': 'Fri, 20 Nov 2026, x'}})", 200, b"", {name: ["Fri, 20 Nov 2026, x"]})
        for name in ("Expires", "DATE", "last-modified", "Retry-After", "Warning", "WWW-Authenticate")
    ),
    (
        "R('', 200, {'set-cookie': 'a=b; Expires=Fri, 20 Nov 2026 10:00:00 GMT; Path=/, c=d,e=f; HttpOnly'})",
        200,
        b"",
        {"set-cookie": ["a=b; Expires=Fri, 20 Nov 2026 10:00:00 GMT; Path=/", "c=d", "e=f; HttpOnly"]},
    ),
    # OUT-5
    ("R('', '202')", 202, b"", {}),
    ("R('', '418 I am')", 418, b"", {}),
    ("R('', 600)", 600, b"", {}),
    ("R('', 99)", 99, b"", {}),
    ("R('', 'teapot')", 0, b"", {}),
    ("R('x', 204)", 204, b"x", {}),
    ("R(pieces('x'), 204)", 204, b"", {}),
    (
        "R('', 304, {'ETag': 'a', 'Content-Language': 'de'})",
        304,
        b"",
        {"etag": ["a"], "content-type": [], "content-language": []},
    ),
    # API-4: members
    ("change(R('', 200), lambda r: r.headers.__setitem__('X-A', 'b'))", 200, b"", {"x-a": ["b"]}),
    (
        "change(R('', 200), lambda r: r.headers.add('X-A', 'b'), lambda r: r.headers.add('x-a', 'c'))",
        200,
        b"",
        {"x-a": ["b", "c"]},
    ),
    (
        "change(R('', 200), lambda r: r.headers.update({'X-A': 'b'}), lambda r: r.headers.pop('X-A'))",
        200,
        b"",
        {"x-a": []},
    ),
    (
        "change(R('', 200), lambda r: setattr(r, 'status_code', 404), lambda r: r.set_data(r.status))",
        404,
        b"404 NOT FOUND",
        {},
    ),
    ("change(R('', '418 I am'), lambda r: setattr(r, 'data', r.status))", 418, b"418 I am", {}),
    (
        "change(R('', 200), lambda r: setattr(r, 'status', '409 No'), lambda r: r.set_data(str(r.status_code)))",
        409,
        b"409",
        {},
    ),
    ("change(R('', 499), lambda r: r.set_data(r.status))", 499, b"499 UNKNOWN", {}),
    (
        "change(R('', 200), lambda r: setattr(r, 'mimetype', 'text/csv'))",
        200,
        b"",
        {"content-type": ["text/csv; charset=utf-8"]},
    ),
    (
        "change(R('', 200), lambda r: setattr(r, 'content_type', 'a/b'), lambda r: r.set_data(r.mimetype))",
        200,
        b"a/b",
        {"content-type": ["a/b"]},
    ),
    (
        "change(R('é', 200), lambda r: r.set_data(r.get_data() + r.data + r.get_data(as_text=True).encode()))",
        200,
        "ééé".encode(),
        {},
    ),
    (
        "change(R({'a': 1}, 200, json_str=True), lambda r: r.set_data(str([r.json, r.is_json])))",
        200,
        b"[{'a': 1}, True]",
        {},
    ),
    ("change(R('', 200), lambda r: r.set_data(r.headers.get('x-ms-run-function-failed')))", 200, b"False", {}),
    (
        "change(R('', 200), lambda r: r.set_data(str(sorted(r.headers)[1:])))",
        200,
        b"[('Content-Type', 'text/html; charset=utf-8'), ('x-ms-run-function-failed', 'False')]",
        {},
    ),
    ("change(R(pieces('a', b'b'), 200), lambda r: r.set_data(r.get_data() + b'c'))", 200, b"abc", {}),
    # Cookies
    (
        "change(R('', 200), lambda r: r.set_cookie('a', 'b'), lambda r: r.set_cookie('c', 'd;é', path=None))",
        200,
        b"",
        {"set-cookie": ["a=b; Path=/", 'c="d\\073\\303\\251"']},
    ),
    (
        "change(R('', 200), lambda r: r.set_cookie('a', 'b/=(', domain='.x.y:80', secure=True, httponly=True, "
        "samesite='lax', expires=0))",
        200,
        b"",
        {
            "set-cookie": [
                "a=b/=(; Domain=x.y; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure; HttpOnly; Path=/; SameSite=Lax"
            ]
        },
    ),
    (
        "change(R('', 200), lambda r: r.delete_cookie('a'))",
        200,
        b"",
        {"set-cookie": ["a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/"]},
    ),
    ("R('', 302, {'Location': '/é x,y?a=%20'})", 302, b"", {"location": ["/%C3%A9%20x,y?a=%20"]}),
]

REFUSED = [
    # OUT-8
    "R(5, 200)", "R(object(), 200)", "R([1], 200)", "R(['a', None], 200)",
    # API-5, API-7
    "R({1}, 200, json_str=True)", "R('x', 200, {'A': 5})", "R('x', 200, None)", "R('x', 200, {'A': 'a\\nb'})",
    "R('x', 200, {'A': None})", "R('x', '')", "R('x', 2.5)",
    "change(R('', 200), lambda r: r.headers.add('A', 'a\\rb'))", "R()",
]  # fmt: skip


@pytest.fixture(scope="module", params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def worker(library: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    workers: list[Worker] = []
    yield start_raw(library, tmp_path_factory.mktemp("app"), SCRIPT, workers)[0]
    for each in workers:
        each.close()


def answer(worker: Worker, expression: str, **meta: Any) -> Answered:
    return ask(worker, headers={"x-eval": expression}, **meta)


@pytest.mark.parametrize("case", WHOLE, ids=[case[0] for case in WHOLE])
def test_a_response_is_sent_as_it_is_with_and_without_flask(worker: Worker, library: str, case: Case) -> None:
    """API-4 to API-7, OUT-2, OUT-5."""
    expression, status, body, headers = case
    answered = answer(worker, expression)
    if library == "none" and NEEDS_FLASK.search(expression):
        assert answered.error["error"]["type"] == "FlaskNeeded"
        assert "pip install flask" in answered.error["error"]["hint"]
        return
    assert answered.error == {}
    assert (answered.meta["status"], answered.body) == (status, body)
    assert answered.meta["fromScript"] is True
    assert answered.meta["execMs"] > 0
    assert {name: answered.header(name) for name in headers} == headers


@pytest.mark.parametrize("expression", REFUSED)
def test_what_cannot_be_sent_is_an_error_of_the_script(worker: Worker, expression: str) -> None:
    """OUT-8, API-5, API-7: ERR-9."""
    answered = answer(worker, expression)
    assert answered.kind == p.ERROR, answered.meta
    assert answered.error["kind"] == "run"
    assert answered.error["error"]["type"] in ("TypeError", "ValueError", "AttributeError")


def test_what_is_no_response_is_a_result(worker: Worker) -> None:
    """OUT-1, OUT-7."""
    assert answer(worker, "('x', 201)").result == ["x", 201]
    assert answer(worker, "R").error["kind"] == "result"


def test_an_iterable_is_streamed_piece_by_piece(worker: Worker) -> None:
    """OUT-6: empty pieces make no chunk."""
    answered = answer(worker, "R(pieces('é', '', b'b', bytearray(b'c')), 202, {'X-A': '1,2'})")
    assert (answered.meta["status"], answered.meta["stream"], answered.header("x-a")) == (202, True, ["1", "2"])
    assert answered.chunks == [b"\xc3\xa9", b"b", b"c"]
    assert answer(worker, "R({'a': 1, 'b': 2}, 200)").chunks == [b"a", b"b"]
    assert answer(worker, "R(pieces(), 200)").chunks == []


@pytest.mark.parametrize(("expression", "sent"), [("R(pieces('a', fails=True), 200)", [b"a"]), ("R({1, }, 200)", [])])
def test_a_stream_that_fails_ends_with_an_error(worker: Worker, expression: str, sent: list[bytes]) -> None:
    """OUT-6, OUT-8."""
    answered = answer(worker, expression)
    assert answered.meta["stream"] is True
    assert answered.chunks == sent
    assert answered.error["kind"] == "stream"


def test_a_response_is_closed_when_it_has_been_sent(worker: Worker) -> None:
    """OUT-6."""
    for number, method in enumerate(("POST", "HEAD")):
        answer(worker, f"closing('closed {number}', 'a')", method=method)
        eventually(lambda text=f"closed {number}\n": text in worker.stdout())


def test_the_body_of_a_stream_is_not_begun_for_head(worker: Worker) -> None:
    """RT-5: status and headers as for GET."""
    answered = answer(worker, "R((print('begun') for _ in 'x'), 200)", method="HEAD")
    assert (answered.meta["stream"], answered.chunks) == (True, [])
    assert "begun" not in worker.stdout()
    assert answer(worker, "R('x', 200)", method="HEAD").body == b"x", "the host needs its length"


def test_what_fails_while_a_response_is_closed_changes_nothing(worker: Worker) -> None:
    answered = answer(worker, "change(R(pieces('a'), 200), lambda r: r.call_on_close(lambda: 1 / 0))")
    assert (answered.chunks, answered.error) == ([b"a"], {})
    eventually(lambda: "ZeroDivisionError" in worker.stderr())


def test_a_big_response_arrives_whole(worker: Worker) -> None:
    assert answer(worker, "R(b'x' * 5_000_000, 200)").body == b"x" * 5_000_000


NOT_RAW = """
from azureml_inference_server_http.api.aml_response import AMLResponse
def init(): pass
{}def run(data): return AMLResponse(data, 201)
"""


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("prefix", ["", "async "])
def test_a_script_that_is_not_raw_may_return_a_response(
    library: str, prefix: str, tmp_path: Any, own_workers: list[Worker]
) -> None:
    """OUT-2."""
    worker, loaded = start_raw(library, tmp_path, NOT_RAW.format(prefix), own_workers)
    assert loaded["takes"] == "body"
    worker.send(p.RUN, 1, b"x")
    answered = Answered(worker)
    assert (answered.meta["status"], answered.body) == (201, b"x")


ASYNC = """
import asyncio
from azureml_inference_server_http.api.aml_request import rawhttp
from azureml_inference_server_http.api.aml_response import AMLResponse
def init(): pass
async def pieces(text):
    for char in text:
        await asyncio.sleep(0)
        yield char
@rawhttp
async def run(request):
    text = request.get_data(as_text=True)
    await asyncio.sleep(0)
    if request.args.get("stream"): return AMLResponse(pieces(text), 200)
    return AMLResponse(text + request.method, 200)
"""


@pytest.mark.parametrize("library", LIBRARIES)
def test_an_async_run_takes_requests_and_may_stream_asynchronously(
    library: str, tmp_path: Any, own_workers: list[Worker]
) -> None:
    """IN-18, OUT-6."""
    worker, loaded = start_raw(library, tmp_path, ASYNC, own_workers, concurrency=3)
    assert (loaded["takes"], loaded["concurrent"]) == ("request", True)
    assert ask(worker, b"x", method="OPTIONS").body == b"xOPTIONS"
    assert ask(worker, b"abc", query="stream=1").chunks == [b"a", b"b", b"c"]
    assert ask(worker, b"abc", query="stream=1", method="HEAD").chunks == []


def test_an_async_body_needs_an_async_run(tmp_path: Any, own_workers: list[Worker]) -> None:
    worker, _ = start_raw(
        "none",
        tmp_path,
        ASYNC.replace("async def run", "def run").replace("    await asyncio.sleep(0)\n    if", "    if"),
        own_workers,
    )
    assert "run() must be async" in ask(worker, b"x", query="stream=1").error["error"]["message"]


FLASK = """
import flask
from flask import jsonify
from azureml_inference_server_http.api.aml_request import rawhttp
def init(): pass
@rawhttp
def run(r):
    return eval(r.args["e"], {"r": r, "flask": flask, "jsonify": jsonify})
"""


def test_flask_itself_works_inside_a_raw_run(tmp_path: Any, own_workers: list[Worker]) -> None:
    """API-8, API-11, OUT-2."""
    worker, _ = start_raw("flask", tmp_path, FLASK, own_workers)
    (tmp_path / "file.txt").write_text("content")

    def evaluate(expression: str) -> Answered:
        return ask(worker, b"abc", query=f"e={expression.replace('+', '%2B').replace(' ', '%20')}")

    assert evaluate("isinstance(r, flask.Request)").result is True
    assert evaluate("[flask.request.method, flask.request.data.decode()]").result == ["POST", "abc"]
    answered = evaluate("jsonify(a=1)")
    assert (answered.body.strip(), answered.header("x-ms-run-function-failed")) == (b'{"a":1}', [])
    assert evaluate("flask.Response('x', status=503)").meta["status"] == 503
    assert evaluate("flask.make_response(('x', 207))").meta["status"] == 207
    assert evaluate("flask.redirect('/a')").header("location") == ["/a"]
    assert b"".join(evaluate(f"flask.send_file('{tmp_path}/file.txt')").chunks) == b"content"
    assert evaluate("flask.Response(flask.stream_with_context(flask.request.method for _ in 'ab'))").chunks == [
        b"POST",
        b"POST",
    ]
    assert evaluate("flask.abort(404)").error["error"]["type"] == "NotFound"
    assert evaluate("flask.g.setdefault('n', 1) and flask.g.pop('n')").result == 1
    assert evaluate("flask.Response(5)").error["kind"] == "run"
    assert evaluate("flask.has_request_context()").result is True


def test_flask_works_inside_a_run_that_is_not_raw(start: Start) -> None:
    """OUT-2, API-11."""
    if not FLASK_PYTHON.exists():
        pytest.skip("there is no environment with Flask")
    worker = start("import flask\ndef init(): pass\ndef run(data): return flask.jsonify([data])", python=FLASK_PYTHON)
    worker.ready()
    worker.send(p.RUN, 1, b"x")
    assert Answered(worker).body.strip() == b'["x"]'


def test_flask_is_not_imported_for_scripts_that_do_not_ask_for_it(start: Start) -> None:
    if not FLASK_PYTHON.exists():
        pytest.skip("there is no environment with Flask")
    script = (
        "import sys\ndef init(): pass\ndef run(data): return [m for m in sys.modules if m in ('flask', 'werkzeug')]"
    )
    worker = start(script, python=FLASK_PYTHON)
    worker.ready()
    assert worker.run() == "[]"
    assert worker.run() == "[]"


def test_a_failure_in_a_raw_run_is_located_in_the_script(tmp_path: Any, own_workers: list[Worker]) -> None:
    """ERR-9, ERR-11, IN-19: no frames of the worker's own in the traceback."""
    script = SCRIPT.replace("    names =", "    return r.json\n    names =")
    for library in LIBRARIES:
        worker, _ = start_raw(library, tmp_path / library, script, own_workers)
        error = ask(worker, b"{").error["error"]
        assert error["type"] == "UnsupportedMediaType"
        assert re.match(r"415 Unsupported Media Type: Did not attempt", error["message"])
        assert error["location"]["source"] == "return r.json"
        assert "scorefn_worker/" not in error["traceback"]
