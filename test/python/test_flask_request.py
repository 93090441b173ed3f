"""flask.request in a run() that does not take the request (contract API-20)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import Start, Worker
from libraries import FLASK_PYTHON
from scorefn_worker import protocol as p
from scorefn_worker.frames import encode_meta

needs_flask = pytest.mark.skipif(not FLASK_PYTHON.exists(), reason="there is no environment with Flask")

META = {
    "headers": {"host": "localhost:5001", "x-one": "1", "content-type": "application/json"},
    "requestId": "id",
    "method": "POST",
    "path": "/score",
    "query": "a=b",
    "remoteAddress": "127.0.0.1",
}

SEEN = (
    "[request.method, request.full_path, request.headers['X-One'], request.get_data(as_text=True), request.args['a']]"
)


def ready(worker: Worker) -> dict[str, Any]:
    """Expect a start that succeeds and return READY."""
    worker.expect(p.WORKER_HELLO)
    worker.expect(p.LOADED)
    return worker.expect_json(p.READY)


def ask(worker: Worker, body: bytes = b"{}", request: int = 1, **meta: Any) -> Any:
    """Send a whole request and return the result."""
    return json.loads(worker.run_meta({**META, **meta}, body, request))


@needs_flask
@pytest.mark.parametrize(
    "script",
    [
        f"from flask import request\ndef init(): pass\ndef run(data): return {SEEN}",
        f"def init():\n    global request\n    from flask import request\ndef run(data): return {SEEN}",
        f"async def init():\n    global request\n    from flask import request\nasync def run(data): return {SEEN}",
        f"def init(): pass\ndef run(data):\n    from flask import request\n    return {SEEN}",
        f"def init(): pass\nasync def run(data):\n    from flask import request\n    return {SEEN}",
        f"def init(): pass\ndef run(data):\n    import importlib\n    request = importlib.import_module('flask')"
        f".request\n    return {SEEN}",
        f"import own\ndef init(): pass\ndef run(data):\n    request = own.get()\n    return {SEEN}",
    ],
    ids=["the script", "init", "async init", "run", "async run", "importlib", "a module of the user's"],
)
def test_it_is_the_request_whoever_imports_flask(start: Start, app: Any, script: str) -> None:
    (app / "own.py").write_text("def get():\n    from flask import request\n    return request\n")
    worker = start(script, python=str(FLASK_PYTHON))
    assert ready(worker) == {"meta": "request"}
    assert ask(worker, b"first") == ["POST", "/score?a=b", "1", "first", "b"]
    assert ask(worker, b"second", 2, query="a=c") == ["POST", "/score?a=c", "1", "second", "c"]


@needs_flask
@pytest.mark.parametrize("comment", ["", "# reflask, flasks"])
def test_nothing_is_asked_for_by_a_script_that_does_not_name_flask(start: Start, comment: str) -> None:
    script = (
        f"import sys  {comment}\ndef init(): pass\ndef run(data): return [m for m in sys.modules if m[:4] == 'flas']"
    )
    worker = start(script, python=str(FLASK_PYTHON))
    assert ready(worker) == {}
    assert worker.run() == "[]"


def test_nothing_is_asked_for_where_there_is_no_flask(start: Start) -> None:
    script = """
        def init(): pass
        def run(data):
            try: import flask
            except ImportError as error: return str(error)
    """
    worker = start(script)
    assert ready(worker) == {}
    assert worker.run() == "\"No module named 'flask'\""


@needs_flask
def test_flask_is_not_imported_for_a_script_that_only_names_it(start: Start) -> None:
    worker = start(
        "import sys\ndef init(): pass\ndef run(data): return 'flask' in sys.modules", python=str(FLASK_PYTHON)
    )
    assert ready(worker) == {"meta": "request"}
    assert ask(worker) is False
    assert ask(worker, request=2) is False


@needs_flask
def test_raw_scripts_ask_for_nothing_more(start: Start) -> None:
    script = """
        import flask
        from azureml_inference_server_http.api.aml_request import rawhttp
        def init(): pass
        @rawhttp
        def run(request): return flask.request is not request and flask.request.url == request.url
    """
    worker = start(script, python=str(FLASK_PYTHON))
    assert ready(worker) == {}
    assert ask(worker) is True


@needs_flask
def test_concurrent_requests_see_each_their_own(start: Start) -> None:
    script = """
        import asyncio
        from flask import g, request
        waiting = []
        def init(): pass
        async def run(data):
            g.mine = data
            gate = asyncio.Event()
            waiting.append(gate)
            if len(waiting) == 3:
                for other in reversed(waiting): other.set()
            await gate.wait()
            return [data, g.mine, request.get_data(as_text=True), request.args["a"]]
    """
    worker = start(script, python=str(FLASK_PYTHON), concurrency=3)
    ready(worker)
    for number in (1, 2, 3):
        worker.pipe.sendall(encode_meta(p.RUN_META, number, {**META, "query": f"a={number}"}, str(number).encode()))
    answers = {}
    for _ in range(3):
        _, request, payload = worker.receive()
        answers[request] = json.loads(bytes(payload)[8:])
    assert answers == {number: [str(number)] * 4 for number in (1, 2, 3)}


@needs_flask
@pytest.mark.parametrize("imported", ["first", "in run()"])
def test_a_request_is_over_when_its_run_is(start: Start, imported: str) -> None:
    """Also when run() raises: neither the request nor what was kept for it is there for the next one."""
    statement = "import flask"
    script = f"""
        {statement if imported == "first" else ""}
        def init(): pass
        def run(data):
            {statement if imported != "first" else ""}
            flask.g.count = flask.g.get("count", 0) + 1
            if data == "fail": raise ValueError(flask.g.count)
            return flask.g.count, flask.request.get_data(as_text=True)
    """
    worker = start(script, python=str(FLASK_PYTHON))
    ready(worker)
    for number in (1, 2):
        worker.pipe.sendall(encode_meta(p.RUN_META, number, META, b"fail"))
        assert worker.error(number, "run")["message"] == "1"
    assert ask(worker, b"x", 3) == [1, "x"]


@needs_flask
def test_flask_imported_in_a_task_or_thread_of_the_script_is_its_own_matter(start: Start) -> None:
    script = """
        import asyncio, threading
        def init(): pass
        def elsewhere():
            import flask
            return flask.has_request_context()
        async def task(): return elsewhere()
        async def run(data):
            if data == "thread": return await asyncio.get_running_loop().run_in_executor(None, elsewhere)
            if data == "task": return await asyncio.create_task(task())
            return elsewhere()
    """
    for kind in ("thread", "task"):
        worker = start(script, python=str(FLASK_PYTHON))
        ready(worker)
        assert ask(worker, kind.encode()) in (True, False)
        assert ask(worker, b"", 2) is True
        assert ask(worker, b"", 3) is True


@needs_flask
def test_the_body_of_get_is_empty_and_its_input_is_that_of_the_query(start: Start) -> None:
    script = """
        from flask import request
        def init(): pass
        def run(data): return [data, request.method, request.data.decode()]
    """
    worker = start(script, python=str(FLASK_PYTHON))
    ready(worker)
    assert ask(worker, b'{"a": "b"}', method="GET") == ['{"a": "b"}', "GET", ""]


@needs_flask
def test_a_failed_import_of_flask_leaves_run_as_it_is(start: Start, app: Any) -> None:
    (app / "flask.py").write_text("1 / 0\n")
    script = """
        def init(): pass
        def run(data):
            try: import flask
            except ZeroDivisionError: return "no flask"
    """
    worker = start(script, python=str(FLASK_PYTHON), env={"PYTHONPATH": str(app)})
    ready(worker)
    assert ask(worker) == "no flask"
    assert ask(worker, request=2) == "no flask"


@needs_flask
def test_a_module_of_the_users_that_is_only_called_flask_does_no_harm(start: Start, app: Any) -> None:
    (app / "flask.py").write_text("value = 1\n")
    script = """
        def init(): pass
        def run(data):
            import flask
            return flask.value
    """
    worker = start(script, python=str(FLASK_PYTHON), env={"PYTHONPATH": str(app)})
    ready(worker)
    assert ask(worker) == 1
    assert ask(worker, request=2) == 1
