"""Answers as the header `x-do` says, and with what it was asked."""

import json

from azureml_inference_server_http.api.aml_request import rawhttp
from azureml_inference_server_http.api.aml_response import AMLResponse


def init():
    pass


def pieces():
    yield "first "
    yield "second"


@rawhttp
def run(request):
    do = json.loads(request.headers.get("x-do", "{}"))
    status = do.get("status", 200)
    body = do.get("body", "seen")
    if body == "throw":
        raise ValueError("asked to")
    headers = {"Content-Type": "image/png" if body == "bytes" else "text/plain; charset=utf-8"}
    headers.update(do.get("headers", []))
    if body == "none" or status in (204, 304):
        return AMLResponse("", status, headers)
    if body == "bytes":
        return AMLResponse(bytes([0, 255, 128]), status, headers)
    if body == "stream":
        return AMLResponse(pieces(), status, headers)
    seen = {"method": request.method, "odd": request.headers.get("x-odd"), "bytes": len(request.get_data())}
    return AMLResponse(json.dumps(seen), status, headers)
