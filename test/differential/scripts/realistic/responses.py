# Every way to make an AMLResponse or a response of flask's.
import datetime

import flask
from azureml_inference_server_http.api.aml_response import AMLResponse

EXPIRES = "Fri, 20 Nov 2026 10:00:00 GMT"


def with_cookies():
    response = AMLResponse({"user": "é"}, 200, json_str=True)
    response.set_cookie("session", "abc", max_age=60, httponly=True, samesite="Lax")
    response.set_cookie("theme", "dark")
    return response


def with_headers():
    response = AMLResponse("teapot", 418, {"X-Reason": "short, and stout"})
    response.headers["X-Later"] = "added"
    response.headers.add("X-Later", "twice")
    return response


def own_ids():
    names = ("x-request-id", "x-ms-request-id", "x-ms-client-request-id", "TraceId", "x-ms-run-fn-exec-ms")
    return AMLResponse("ids", 200, {name: "mine" for name in names})


ANSWERS = {
    "text": lambda: AMLResponse("hello é", 200),
    "bytes": lambda: AMLResponse(b"\x00\xff", 200, {"Content-Type": "application/octet-stream"}),
    "json": lambda: AMLResponse({"a": [1, None], "é": float("nan")}, 200, json_str=True),
    "json text": lambda: AMLResponse("text", 200, json_str=True),
    "none": lambda: AMLResponse(None, 202),
    "created": lambda: AMLResponse(message={"id": 7}, status_code=201, response_headers={"Location": "/7"}, json_str=True),
    "failed flag": lambda: AMLResponse("partly", 200, run_function_failed=True),
    "bad request": lambda: AMLResponse({"error": "rows missing"}, 400, json_str=True),
    "server error": lambda: AMLResponse("overloaded", 503, {"Retry-After": "5"}),
    "headers": with_headers,
    "list header": lambda: AMLResponse("x", 200, {"A": "1, 2,3", "B": ""}),
    "cookies": with_cookies,
    "own ids": own_ids,
    "no content": lambda: AMLResponse("dropped", 204),
    "odd status": lambda: AMLResponse("odd", 600),
    "status text": lambda: AMLResponse("tea", "418 I am"),
    "list of text": lambda: AMLResponse(["a", "b"], 200),
    "expires": lambda: AMLResponse("x", 200, {"Expires": EXPIRES, "Last-Modified": EXPIRES}),
    "cookie header": lambda: AMLResponse("x", 200, {"Set-Cookie": f"a=b; Expires={EXPIRES}, c=d"}),
    "content type twice": lambda: AMLResponse({"a": 1}, 200, {"content-type": "application/problem+json"}, True),
    "content length": lambda: AMLResponse("abc", 200, {"Content-Length": "3"}),
    "not a header": lambda: AMLResponse("x", 200, {"X-Number": 5}),
    "no headers": lambda: AMLResponse("x", 200, None),
    "line break": lambda: AMLResponse("x", 200, {"X-Break": "a\r\nb: c"}),
    "wrong body": lambda: AMLResponse(5, 200),
    "dict body": lambda: AMLResponse({"a": 1}, 200),
    "not json": lambda: AMLResponse({1, 2}, 200, json_str=True),
    "flask": lambda: flask.Response("plain", status=200, mimetype="text/csv"),
    "flask bytes": lambda: flask.Response(b"\x01\x02", content_type="image/png"),
    "flask 404": lambda: flask.Response("gone", 404),
    "flask 500": lambda: flask.Response("broken", 500, {"x-ms-run-function-failed": "False"}),
    "flask json": lambda: flask.jsonify(b=1, a=[datetime.date(2020, 1, 2)]),
    "flask make": lambda: flask.make_response({"made": True}, 206),
    "flask tuple": lambda: ("x", 201, {"X-A": "b"}),
    "flask abort": lambda: flask.abort(403),
    "flask redirect": lambda: flask.redirect("/elsewhere"),
}


def init():
    pass


def run(raw_data):
    return ANSWERS[raw_data]()
