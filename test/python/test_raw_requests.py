"""The request of raw HTTP scripts: the same members with the same values, whichever library they come from, or the
reason why there are none (API-8)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Worker
from libraries import LIBRARIES, ask, start_raw

SCRIPT = """
import json, os
from azureml_inference_server_http.api.aml_request import AMLRequest, rawhttp
def init(): pass
@rawhttp
def run(r: AMLRequest):
    return [eval(r.headers["X-Eval"], {"r": r, "json": json, "os": os, "AMLRequest": AMLRequest})]
"""

JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
MULTIPART = {"content-type": 'multipart/form-data; boundary="=b=1"'}
UPLOAD = (
    b'ignored\r\n--=b=1\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n2\r\n'
    b'--=b=1\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xc3\xa9\r\n'
    b'--=b=1\r\nContent-Disposition: form-data; name="l"\r\n'
    b"Content-Type: text/plain; charset=iso-8859-1\r\n\r\n\xe9\r\n"
    b'--=b=1\r\nContent-Disposition: form-data; name="f"; filename="\xc3\xa9 \\"x\\".bin"\r\n'
    b"Content-Type: application/octet-stream\r\n\r\n\x00\r\r\n\n\xff--=b\r\n\r\n"
    b'--=b=1\r\nContent-Disposition: form-data; name="m"; filename="m.eml"\r\nContent-Type: message/rfc822\r\n\r\n'
    b"Subject: x\r\n\r\nhello\r\n"
    b'--=b=1\r\nContent-Disposition: form-data; name="q"; filename="q.txt"\r\n'
    b"Content-Type: multipart/mixed; boundary=z\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\n--z\r\n\r\neA==\r\n--z--\r\n"
    b'--=b=1\r\nContent-Disposition: form-data; name="e"; filename=""\r\n\r\n\r\n--=b=1--\r\n'
)
QUERY = "a=1&b=%C3%A9+x&a=[2]&e=&n&z=%ff%zz&p=%26%2B%20%41;s=1"

Case = tuple[str, dict[str, Any], bytes, Any]

NEEDS_FLASK = re.compile(r"\br\.(base_url|cookies|files|form|full_path|host|mimetype_params|scheme|url|values)\b")
"""What only Flask's and Werkzeug's request have."""

CASES: dict[str, list[Case]] = {
    "the request line": [
        ("[r.method, r.path]", {}, b"", ["POST", "/score"]),
        ("r.full_path", {}, b"", "/score?"),
        ("r.method", {"method": "HEAD"}, b"", "HEAD"),
        ("r.method", {"method": "OPTIONS"}, b"", "OPTIONS"),
        ("r.path", {"path": "//sc%6fre"}, b"", "/score"),
        ("r.url", {"path": "//sc%6fre"}, b"", "http://localhost/score"),
        ("r.full_path", {"query": QUERY}, b"", f"/score?{QUERY}"),
        ("r.query_string.decode()", {"query": QUERY}, b"", QUERY),
        (
            "r.url",
            {"query": QUERY, "headers": {"host": "h:81"}},
            b"",
            "http://h:81/score?a=1&b=é+x&a=[2]&e=&n&z=%FF%zz&p=%26%2B%20A;s=1",
        ),
        ("[r.host, r.base_url, r.scheme]", {"headers": {"host": "h:80"}}, b"", ["h", "http://h/score", "http"]),
        ("r.remote_addr", {"remoteAddress": "10.0.0.1"}, b"", "10.0.0.1"),
        ("r.remote_addr", {}, b"", None),
        (
            "[r.environ[k] for k in ('REQUEST_METHOD', 'PATH_INFO', 'QUERY_STRING', 'HTTP_X_A')]",
            {"query": "a=1", "headers": {"x-a": "1"}},
            b"",
            ["POST", "/score", "a=1", "1"],
        ),
    ],
    "args": [
        ("r.args['a']", {"query": QUERY}, b"", "1"),
        ("r.args.getlist('a')", {"query": QUERY}, b"", ["1", "[2]"]),
        ("[r.args.get('a', type=int), r.args.get('e', 7, type=int)]", {"query": QUERY}, b"", [1, 7]),
        ("r.args.getlist('a', type=int)", {"query": QUERY}, b"", [1]),
        (
            "r.args.to_dict()",
            {"query": QUERY.replace("%ff", "")},
            b"",
            {"a": "1", "b": "é x", "e": "", "n": "", "z": "%zz", "p": "&+ A;s=1"},
        ),
        ("r.args.to_dict(flat=False)", {"query": "a=1&a=2"}, b"", {"a": ["1", "2"]}),
        ("['x' in r.args, r.args.get('x'), len(r.args), bool(r.args)]", {}, b"", [False, None, 0, False]),
        ("list(r.args.items(multi=True))", {"query": "a=1&b=2&a=3"}, b"", [["a", "1"], ["a", "3"], ["b", "2"]]),
        (
            "[list(r.args), list(r.args.values()), dict(r.args.lists())]",
            {"query": "a=1&a=3"},
            b"",
            [["a"], ["1"], {"a": ["1", "3"]}],
        ),
        ("json.dumps(r.args)", {"query": "a=1"}, b"", '{"a": "1"}'),
        ("dict(r.args)", {"query": "a=1&a=2"}, b"", {"a": "1"}),
        ("r.args['x']", {}, b"", KeyError),
    ],
    "headers": [
        (
            "[r.headers['x-foo'], r.headers.get('X-FOO'), 'x-foO' in r.headers]",
            {"headers": {"x-foo": "1,2"}},
            b"",
            ["1,2", "1,2", True],
        ),
        ("[r.headers.get('x-no'), r.headers.get('x-no', 'd'), 'x-no' in r.headers]", {}, b"", [None, "d", False]),
        (
            "sorted(r.headers)",
            {"headers": {"content-length": "0", "x-content-md5": "q", "no_t": "x"}},
            b"",
            [["Content-Length", "0"], ["X-Content-Md5", "q"], ["X-Eval", "sorted(r.headers)"]],
        ),
        (
            "[dict(r.headers)['Content-Type'], r.headers.get('X-N', type=int)]",
            {"headers": {**JSON, "x-n": "5"}},
            b"",
            ["application/json", 5],
        ),
        ("r.headers['x-no']", {}, b"", KeyError),
        ("r.headers['x-latin']", {"headers": {"x-latin": "\xe9"}}, b"", "\xe9"),
        (
            "[r.content_type, r.mimetype]",
            {"headers": {"content-type": "Text/HTML; charset=x"}},
            b"",
            ["Text/HTML; charset=x", "text/html"],
        ),
        ("r.mimetype_params", {"headers": {"content-type": "a/b; charset=x"}}, b"", {"charset": "x"}),
        ("[r.content_type, r.mimetype, r.content_length]", {}, b"abc", [None, "", None]),
        ("r.content_length", {"headers": {"content-length": "3"}}, b"abc", 3),
        ("r.content_length", {"headers": {"content-length": "3", "transfer-encoding": "chunked"}}, b"abc", None),
        (
            "r.cookies.to_dict()",
            {"headers": {"cookie": 'a=b; c="d\\"\\303\\251"; e=; f; a=2; g=h=i'}},
            b"",
            {"a": "b", "c": 'd"é', "e": "", "f": "", "g": "h=i"},
        ),
        ("[r.cookies.get('a'), r.cookies.get('x')]", {"headers": {"cookie": "a=1"}}, b"", ["1", None]),
    ],
    "the body": [
        ("[r.data.decode(), r.get_data().decode(), r.stream.read().decode()]", {}, b"abc", ["abc", "abc", ""]),
        ("[r.stream.read(2).decode(), r.stream.read().decode()]", {}, b"abc", ["ab", "c"]),
        ("[line.decode() for line in r.stream]", {}, b"a\nb", ["a\n", "b"]),
        ("r.get_data(as_text=True)", {}, b"\xc3\xa9\xff", "é�"),
        ("[r.get_data(cache=False).decode(), r.get_data().decode()]", {}, b"abc", ["abc", ""]),
        ("r.get_data().decode()", {"method": "GET"}, b"abc", "abc"),
        ("len(r.get_data())", {"headers": {"content-length": "1"}}, b"x" * 1_000_000, 1_000_000),
        ("r.environ['wsgi.input'].read().decode()", {}, b"abc", "abc"),
    ],
    "JSON": [
        ("[r.json, r.get_json(), r.is_json]", {"headers": JSON}, b'{"a": [1]}', [{"a": [1]}, {"a": [1]}, True]),
        ("r.json is r.get_json()", {"headers": JSON}, b'{"a": [1]}', True),
        ("[r.is_json, r.json]", {"headers": {"content-type": "application/x+json; charset=utf-8"}}, b"1", [True, 1]),
        ("r.is_json", {"headers": {"content-type": "text/json"}}, b"1", False),
        ("r.json", {"headers": JSON}, '"é"'.encode("utf-16"), "é"),
        ("r.json", {}, b"{}", "UnsupportedMediaType"),
        ("r.get_json()", {"headers": {"content-type": "text/plain"}}, b"{}", "UnsupportedMediaType"),
        ("r.json", {"headers": JSON}, b"{", "BadRequest"),
        ("r.json", {"headers": JSON}, b"", "BadRequest"),
        ("r.get_json(force=True)", {}, b'{"a": 1}', {"a": 1}),
        ("r.get_json(force=True)", {}, b"{", "BadRequest"),
        ("[r.get_json(silent=True), r.get_json(silent=True, force=True)]", {}, b"{", [None, None]),
        ("r.get_json(silent=True)", {"headers": JSON}, b"{", None),
        ("[r.data.decode(), r.json]", {"headers": JSON}, b"[1]", ["[1]", [1]]),
    ],
    "forms": [
        (
            "[r.form.to_dict(flat=False), r.data.decode()]",
            {"headers": FORM},
            b"a=1&a=%C3%A9+x&b=",
            [{"a": ["1", "é x"], "b": [""]}, ""],
        ),
        ("[r.data.decode(), r.form['a'], r.get_data().decode()]", {"headers": FORM}, b"a=1", ["", "1", ""]),
        (
            "[r.get_data().decode(), r.form.to_dict(), r.data.decode()]",
            {"headers": FORM},
            b"a=1",
            ["a=1", {"a": "1"}, "a=1"],
        ),
        ("[r.get_data(cache=False).decode(), r.form.to_dict()]", {"headers": FORM}, b"a=1", ["a=1", {}]),
        ("r.values['z']", {"query": "z=%ff%zz"}, b"", "%FF%zz"),
        ("r.values.to_dict(flat=False)", {"headers": FORM, "query": "a=2&c=3"}, b"a=1", {"a": ["2", "1"], "c": ["3"]}),
        ("r.values.to_dict()", {"headers": FORM, "query": "a=2", "method": "GET"}, b"a=1", {"a": "2"}),
        ("[r.form.to_dict(), r.files.to_dict(), r.data.decode()]", {}, b"a=1", [{}, {}, "a=1"]),
        ("r.form.to_dict()", {"headers": FORM}, b"a=\xff", {}),
        ("r.form.to_dict()", {"headers": FORM}, b"a=%ff", {"a": "%FF"}),
        ("len(r.form['a'])", {"headers": FORM}, b"a=" + b"x" * 900_000, 900_000),
    ],
    "files": [
        (
            "[r.form.to_dict(flat=False), list(r.files), r.data.decode()]",
            {"headers": MULTIPART},
            UPLOAD,
            [{"a": ["1\r\n2", "é"], "l": ["é"]}, ["f", "m", "q", "e"], ""],
        ),
        (
            "[r.files['f'].filename, r.files['f'].name, list(r.files['f'].read())]",
            {"headers": MULTIPART},
            UPLOAD,
            ['é "x".bin', "f", list(b"\x00\r\r\n\n\xff--=b\r\n")],
        ),
        (
            "[r.files['f'].content_type, r.files['f'].mimetype, r.files['e'].content_type, r.files['e'].filename]",
            {"headers": MULTIPART},
            UPLOAD,
            ["application/octet-stream", "application/octet-stream", None, ""],
        ),
        (
            "[bool(r.files['f']), bool(r.files['e']), r.files.get('x')]",
            {"headers": MULTIPART},
            UPLOAD,
            [True, False, None],
        ),
        ("r.files['m'].read().decode()", {"headers": MULTIPART}, UPLOAD, "Subject: x\r\n\r\nhello"),
        ("r.files['q'].read().decode()", {"headers": MULTIPART}, UPLOAD, "--z\r\n\r\neA==\r\n--z--"),
        (
            "[r.files['f'].stream.read(1).decode(), r.files['f'].seek(0), len(list(r.files['f']))]",
            {"headers": MULTIPART},
            UPLOAD,
            ["\0", 0, 3],
        ),
        (
            "[r.files['m'].save('saved.eml'), open('saved.eml').read()]",
            {"headers": MULTIPART},
            UPLOAD,
            [None, "Subject: x\n\nhello"],
        ),
        ("r.files['m'].headers['content-type']", {"headers": MULTIPART}, UPLOAD, "message/rfc822"),
        ("[len(f.filename) for f in r.files.getlist('f')]", {"headers": MULTIPART}, UPLOAD, [9]),
        (
            "[r.form.to_dict(), r.files.to_dict()]",
            {"headers": {"content-type": "multipart/form-data"}},
            UPLOAD,
            [{}, {}],
        ),
        ("r.form.to_dict()", {"headers": MULTIPART}, b"nothing of the kind", {}),
        ("r.form.to_dict()", {"headers": MULTIPART}, UPLOAD[:150], {}),
    ],
    "the classes": [
        ("isinstance(r, AMLRequest)", {}, b"", False),
        ("issubclass(AMLRequest, type(r))", {}, b"", True),
        ("AMLRequest()", {}, b"", TypeError),
    ],
}


@pytest.fixture(scope="module", params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def worker(library: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    workers: list[Worker] = []
    started, loaded = start_raw(library, tmp_path_factory.mktemp("app"), SCRIPT, workers)
    assert loaded["takes"] == "request"
    yield started
    for each in workers:
        each.close()


@pytest.mark.parametrize("topic", CASES)
def test_members_of_the_request_with_and_without_flask(worker: Worker, library: str, topic: str) -> None:
    """API-8, API-9, IN-18, IN-19, IN-21."""
    for expression, meta, body, expected in CASES[topic]:
        headers = {**meta.get("headers", {}), "x-eval": expression}
        answered = ask(worker, body, **{**meta, "headers": headers})
        if library == "none" and NEEDS_FLASK.search(expression):
            assert answered.error["error"]["type"] == "FlaskNeeded", expression
        elif isinstance(expected, type) or (answered.error and isinstance(expected, str)):
            assert answered.error, (expression, answered.result)
            got = answered.error["error"]["type"]
            name = expected if isinstance(expected, str) else expected.__name__
            assert name in (got, {"BadRequestKeyError": "KeyError"}.get(got)), expression
        else:
            assert answered.error == {}, (expression, answered.error)
            assert answered.result == [json.loads(json.dumps(expected))], expression


@pytest.mark.parametrize(
    ("expression", "member"),
    [("r.form['a']", "request.form"), ("r.cookies", "request.cookies"), ("r.data", "request.data of a form")],
)
def test_without_flask_a_form_names_the_cure(
    expression: str, member: str, tmp_path: Any, own_workers: list[Worker]
) -> None:
    worker, _ = start_raw("none", tmp_path, SCRIPT, own_workers)
    error = ask(worker, b"a=1", headers={**FORM, "x-eval": expression}).error["error"]
    assert error["message"] == f"{member} needs Flask or Werkzeug, and there is neither: pip install flask"
    assert error["hint"].startswith("Install it: pip install flask into the environment of /")
    assert error["location"]["file"] == "score.py"


def test_without_flask_a_script_can_ask_what_there_is(tmp_path: Any, own_workers: list[Worker]) -> None:
    worker, _ = start_raw("none", tmp_path, SCRIPT, own_workers)
    expression = "[hasattr(r, 'form'), hasattr(r, 'args'), r.get_data(as_text=True)]"
    assert ask(worker, b"a=1", headers={**FORM, "x-eval": expression}).result == [[False, True, "a=1"]]


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        ({"headers": {"content-length": 5}}, "The header content-length of the request is not text but of type int"),
        ({"headers": {"a": ["b"]}}, "The header a of the request is not text but of type list"),
        ({"method": 1}, "The method of the request is not text but of type int"),
        ({"path": "/\ud800", "headers": {"a\ud800": "\udfff", "x-eval": "[r.path, r.args]"}}, None),
    ],
)
def test_a_request_that_cannot_be_made_fails_alone(
    library: str, worker: Worker, meta: dict[str, Any], message: str | None
) -> None:
    answered = ask(worker, **{"query": "a=\ud800", **meta})
    if message is not None:
        assert (answered.error["kind"], answered.error["error"]["message"]) == ("run", message)
    assert ask(worker, headers={"x-eval": "r.method"}).result == ["POST"], library
