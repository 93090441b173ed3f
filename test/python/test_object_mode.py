"""Scripts with declared schemas (contract sections 7, 10.3 and 17), with the real package and the built-in one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import PYTHON, SCHEMAS_PYTHON, Start, Worker, needs_schemas
from scorefn_worker import protocol as p
from scorefn_worker.frames import encode_meta

IMPORTS = """
    from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType as Standard
    from inference_schema.schema_decorators import input_schema, output_schema
    def init(): pass
"""

DECLARED = (
    IMPORTS
    + """
    @input_schema("num", Standard(1))
    @input_schema("when", Standard(b"x"))
    def run(num, request_headers, when, other=3, *, kw="q"):
        if num == 13:
            raise ValueError("unlucky")
        return [num, repr(when), other, kw]
"""
)

VALID = '{"num": 1, "when": "YWJj"}'


@pytest.fixture(
    params=[
        pytest.param(PYTHON, id="builtin"),
        pytest.param(
            SCHEMAS_PYTHON,
            id="real",
            marks=needs_schemas,
        ),
    ]
)
def python(request: pytest.FixtureRequest) -> str:
    """An interpreter of each kind."""
    return request.param


@pytest.fixture
def serve(start: Start, python: str) -> Start:
    """Start a worker with this interpreter and wait until it is ready."""

    def serve_script(script: str, **hello: Any) -> Worker:
        worker = start(script, python=python, **hello)
        worker.loaded = worker.ready()  # type: ignore[attr-defined]
        return worker

    return serve_script


def call(worker: Worker, body: str | bytes, request: int = 1, kind: str | None = None) -> Any:
    """Send a body with headers; return the result, or the report of the error of this kind."""
    data = body.encode() if isinstance(body, str) else body
    worker.pipe.sendall(encode_meta(p.RUN_META, request, {"headers": {"x-a": "b"}, "requestId": "r"}, data))
    return json.loads(worker.result(request)) if kind is None else worker.error(request, kind)


def test_tells_the_front_what_is_declared(serve: Start) -> None:
    """SIG-5, IS-15, IS-16, IS-20: request_headers stands in the schema, but not in the record."""
    worker = serve(DECLARED)
    assert worker.loaded == {
        "takes": "headers",
        "concurrent": False,
        "input": "json",
        "schemas": {
            "input": '{"type": "object", "properties": {"num": {"type": "integer", "format": "int64"}, '
            '"request_headers": {}, "when": {"type": "string", "format": "byte"}, "other": {}}, '
            '"example": {"num": 1, "request_headers": "", "when": "eA==", "other": ""}}',
            "output": '{"type": "object"}',
            "versions": ["2", "3", "3.1"],
        },
    }
    record = "run() is decorated with @input_schema. Server will invoke it with the following arguments: "
    assert f"azmlinfsrv.user_script - {record}num, when, other, kw.\n" in worker.stdout()


def test_keeps_the_spelling_of_numbers_and_drops_a_version_that_cannot_express_the_sample(serve: Start) -> None:
    """IS-19, IS-20, JSON-3."""
    worker = serve(
        IMPORTS
        + """
    @input_schema("data", Standard([1.0, 1e16]))
    @output_schema(Standard([1, "a"]))
    def run(data): return data
"""
    )
    schemas = worker.loaded["schemas"]
    assert '"example": {"data": [1.0, 1e+16]}' in schemas["input"]
    assert schemas["output"] == '{"type": "array", "items": {"type": "string"}, "example": [1, "a"]}'
    assert schemas["versions"] == ["3", "3.1"]
    assert worker.run('{"data": [2.5]}') == "[2.5]"


def test_calls_run_with_the_members_of_the_object(serve: Start) -> None:
    """IN-13, IN-17, IS-3, IS-5: defaults, extra members, null, the last duplicate, exact integers."""
    worker = serve(DECLARED)
    assert call(worker, VALID) == [1, "b'abc'", 3, "q"]
    assert call(worker, '{"kw": null, "extra": 1, "num": 2, "when": "", "other": [1]}', 2) == [2, "b''", [1], None]
    assert call(worker, '{"num": 1, "when": "", "num": 123456789012345678901}', 3) == [
        123456789012345678901,
        "b''",
        3,
        "q",
    ]


def test_passes_headers_and_non_finite_numbers(serve: Start) -> None:
    """SIG-2, IN-17, IN-21."""
    worker = serve(
        IMPORTS
        + """
    @input_schema("x", Standard(1.5))
    def run(request_headers, x): return [request_headers, repr(x)]
"""
    )
    assert call(worker, '{"x": -Infinity}') == [{"X-A": "b"}, "-inf"]
    assert call(worker, '{"x": NaN}', 2)[1] == "nan"


NOT_SUCH_OBJECTS = [
    (b"", "POST body is empty. Expecting a JSON dictionary."),
    (b"{", "POST body could not be decoded as JSON: {reason}"),
    (b"   ", "POST body could not be decoded as JSON: Expecting value: line 1 column 4 (char 3)"),
    (b"\xef\xbb\xbf", "POST body could not be decoded as JSON: Expecting value: line 1 column 1 (char 0)"),
    (b'{"num":1} x', "POST body could not be decoded as JSON: Extra data: line 1 column 11 (char 10)"),
    (b'{\n"num":}', "POST body could not be decoded as JSON: Expecting value: line 2 column 7 (char 8)"),
    (b"[]", "POST body should be a JSON dictionary."),
    (b"null", "POST body should be a JSON dictionary."),
    (b'"x"', "POST body should be a JSON dictionary."),
    (b"{}", "A value is not provided for the 'num' parameter."),
    (b'{"num": 1}', "A value is not provided for the 'when' parameter."),
    (
        b'{"num": "\xff"}',
        "Input cannot be decoded as UTF-8: 'utf-8' codec can't decode byte 0xff in position 9: invalid start byte",
    ),
]


def test_refuses_bodies_that_are_no_such_object(serve: Start) -> None:
    """IN-10 to IN-13, IN-16, ERR-2; the worker goes on with the next request."""
    worker = serve(DECLARED)
    reason = "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
    for body, message in NOT_SUCH_OBJECTS:
        assert call(worker, body, kind="input")["message"] == message.replace("{reason}", reason), body
        assert call(worker, VALID, 2) == [1, "b'abc'", 3, "q"], body


def test_refuses_json_that_is_nested_too_deeply(serve: Start) -> None:
    """IN-16: the client's fault, and not the end of the worker."""
    worker = serve(DECLARED)
    message = call(worker, "[" * 100_000, kind="input")["message"]
    assert message.startswith("POST body could not be decoded as JSON: ")
    assert call(worker, VALID, 2) == [1, "b'abc'", 3, "q"]


@pytest.mark.parametrize("keyword", ["def", "async def"])
def test_detects_the_encoding(serve: Start, keyword: str) -> None:
    """IN-15, for bodies that arrive in one piece and for long ones."""
    worker = serve(
        IMPORTS
        + f"""
    @input_schema("data", Standard("x"))
    {keyword} run(data): return [len(data), data[-1]]
"""
    )
    for encoding in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"):
        for padding in (0, 300_000):
            body = json.dumps({"data": "x" * padding + "é"}, ensure_ascii=False).encode(encoding)
            assert json.loads(worker.run(body)) == [padding + 1, "é"], (encoding, padding)


def test_takes_arguments_unconverted_where_only_the_output_is_declared(serve: Start) -> None:
    """SIG-8, IS-8, IS-16."""
    worker = serve(
        IMPORTS
        + """
    @output_schema(Standard(1))
    def run(a, b=2): return [a, b]
"""
    )
    assert worker.loaded["input"] == "json"
    assert worker.loaded["schemas"]["input"] == '{"type": "object"}'
    assert worker.run('{"a": "not a number"}') == '["not a number", 2]'


def test_looks_through_wrappers_and_awaits_what_is_async(serve: Start) -> None:
    """IS-2, SIG-10."""
    worker = serve(
        IMPORTS
        + """
    import functools
    def logged(function):
        @functools.wraps(function)
        async def inner(*args, **kwargs): return await function(*args, **kwargs)
        return inner
    @logged
    @input_schema("data", Standard(b"x"))
    async def run(data): return repr(data)
"""
    )
    assert worker.loaded["concurrent"] is True
    assert worker.run('{"data": "YWJj"}') == "\"b'abc'\""


@pytest.mark.parametrize("keyword", ["def", "async def"])
def test_streams_from_a_decorated_generator(serve: Start, keyword: str) -> None:
    worker = serve(
        IMPORTS
        + f"""
    @input_schema("data", Standard(b"x"))
    {keyword} run(data):
        yield repr(data)
"""
    )
    worker.send(p.RUN, 1, b'{"data": "YWJj"}')
    assert b"text/plain" in worker.expect(p.RESPONSE, 1)
    assert worker.expect(p.CHUNK, 1) == b"b'abc'"
    worker.expect(p.END, 1)


WARNING = "azmlinfsrv - The input contradicts the declared schema: {what}. With --strict it would be a 400."

CONTRADICTIONS = [
    (
        '{"num": "x", "when": ""}',
        "num: Invalid input data type to parse. Expected: <class 'int'> but got <class 'str'>",
    ),
    ('{"num": 1, "when": "YWJ"}', "when: Error: Incorrect padding"),
    ('{"num": 1, "when": 5}', "when: AttributeError: 'int' object has no attribute 'encode'"),
]


def test_calls_input_that_cannot_be_converted_a_failure_of_the_script(serve: Start) -> None:
    """IS-7, ERR-9; the log says which parameter and what would help."""
    worker = serve(DECLARED)
    for body, what in CONTRADICTIONS:
        report = call(worker, body, kind="run")
        assert report["traceback"].endswith("UserScriptException: Caught an unhandled exception from the user script")
        assert WARNING.format(what=what) in worker.stdout()


def test_refuses_such_input_when_strict(serve: Start) -> None:
    """WEAK-6."""
    worker = serve(DECLARED, strict=True)
    for body, what in CONTRADICTIONS:
        message = call(worker, body, kind="input")["message"]
        assert message == f"The input contradicts the declared schema: {what}"
        assert call(worker, VALID, 2) == [1, "b'abc'", 3, "q"]
    assert "contradicts" not in worker.stdout()


@pytest.mark.parametrize("keyword", ["def", "async def"])
def test_tells_failures_of_the_body_from_those_of_the_input(serve: Start, keyword: str) -> None:
    """ERR-9: also where the body itself calls something declared, and behind wrappers of the script's own."""
    worker = serve(
        IMPORTS
        + f"""
    def closed(function):
        def inner(data): return function(data=data)
        return inner
    @input_schema("data", Standard(1))
    def helper(data): return data
    {"@closed" if keyword == "def" else ""}
    @input_schema("data", Standard({{"k": Standard([Standard(1)])}}))
    {keyword} run(data):
        if data["k"] == [1]: raise ValueError("body")
        return helper(data="x")
""",
        strict=True,
    )
    assert worker.fail('{"data": {"k": [1]}}', 1)["message"] == "body"
    assert "Expected: <class 'int'>" in worker.fail('{"data": {"k": [2]}}', 2)["message"]
    message = worker.fail('{"data": {"k": ["x"]}}', 3, kind="input")["message"]
    reason = "Invalid input data type to parse. Expected: <class 'int'> but got <class 'str'>"
    assert message == f"The input contradicts the declared schema: data.k: {reason}"


def test_calls_a_wrong_parameter_name_the_scripts_failure(serve: Start) -> None:
    """IS-6: no client could do better."""
    worker = serve(
        IMPORTS
        + """
    @input_schema("nobody", Standard(1))
    def run(data): return data
""",
        strict=True,
    )
    report = worker.fail('{"data": 1}')
    assert report["message"] == 'Error, provided param_name "nobody" is not in the decorated function.'


def test_converts_with_types_of_the_scripts_own(serve: Start) -> None:
    """IS-14: where such a type fails, the place in the script is told."""
    worker = serve(
        IMPORTS
        + """
    from inference_schema.parameter_types.abstract_parameter_type import AbstractParameterType
    class Even(AbstractParameterType):
        def deserialize_input(self, input_data):
            if int(input_data) % 2: raise ValueError("odd")
            return int(input_data)
        def input_to_swagger(self): return {"type": "string", "example": "2"}
    @input_schema("data", Even(2))
    def run(data): return data
"""
    )
    assert worker.run('{"data": "4"}') == "4"
    report = worker.fail('{"data": "5"}', 2)
    assert report["location"]["function"] == "deserialize_input"
    assert WARNING.format(what="data: odd") in worker.stdout()


def test_refuses_a_script_that_is_raw_and_declared(start: Start, python: str) -> None:
    """SIG-4."""
    worker = start(
        "    from azureml.contrib.services.aml_request import rawhttp\n"
        + IMPORTS
        + """
    @rawhttp
    @input_schema("data", Standard(1))
    def run(data): return data
""",
        python=python,
    )
    failure = worker.failed("shape")
    assert failure["error"]["message"] == "run() cannot be decorated with both @rawhttp and @input_schema"


def test_reports_a_sample_that_cannot_be_described(start: Start, python: str) -> None:
    """IS-21, LOAD-9."""
    worker = start(
        IMPORTS
        + """
    @input_schema("data", Standard({1, 2}))
    def run(data): return data
""",
        python=python,
    )
    failure = worker.failed("load")
    assert "Object of type set is not JSON serializable" in failure["error"]["message"]
    assert failure["error"]["location"]["source"] == '@input_schema("data", Standard({1, 2}))'


def test_prefers_a_package_that_is_installed(serve: Start, python: str) -> None:
    """The built-in one stands last in the search."""
    worker = serve("""
        import inference_schema
        def init(): pass
        def run(data): return inference_schema.__file__
    """)
    assert ("scorefn_worker" in worker.run("")) == (python == PYTHON)


def test_leaves_scripts_that_only_import_the_package_in_string_mode(serve: Start) -> None:
    """SIG-4, IS-2."""
    worker = serve(IMPORTS + "    def run(data): return data\n")
    assert worker.loaded == {"takes": "body", "concurrent": False}
    assert worker.run("not json") == '"not json"'


@needs_schemas
def test_converts_to_numpy_and_pandas(start: Start) -> None:
    """IS-11, IS-12, SW-14."""
    worker = start(
        IMPORTS
        + """
    import numpy as np, pandas as pd
    from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
    from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
    @input_schema("data", NumpyParameterType(np.arange(10, 0, -1)))
    @input_schema("rows", PandasParameterType(pd.DataFrame({"a": [1.5]})))
    @output_schema(NumpyParameterType(np.array([3726.995])))
    def run(data, rows): return [int(data.sum()), rows["a"].tolist()]
""",
        python=SCHEMAS_PYTHON,
        strict=True,
    )
    schemas = worker.ready()["schemas"]
    assert json.loads(schemas["input"])["properties"]["data"] == {
        "type": "array",
        "items": {"type": "integer", "format": "int64"},
        "format": "numpy.ndarray",
    }
    assert schemas["output"] == (
        '{"type": "array", "items": {"type": "number", "format": "double"}, '
        '"example": [3726.995], "format": "numpy.ndarray"}'
    )
    assert worker.run('{"data": [1, 2], "rows": [{"a": 1}]}') == "[3, [1.0]]"
    message = worker.fail('{"data": [[1]], "rows": []}', 2, kind="input")["message"]
    assert message.endswith(
        "data: Invalid input array: an array with 1 dimensions is expected; input has 2 [shape (1, 1)]"
    )
