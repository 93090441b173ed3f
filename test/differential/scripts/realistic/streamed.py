# Bodies that are made while they are sent.
import json

from azureml_inference_server_http.api.aml_request import rawhttp
from azureml_inference_server_http.api.aml_response import AMLResponse
from flask import Response, stream_with_context


def init():
    pass


def tokens(text):
    for word in text.split():
        yield word + " "


def events(count):
    for number in range(count):
        yield f"data: {json.dumps({'number': number})}\n\n"
    print("stream is done")


def breaks():
    yield "first"
    raise RuntimeError("the model is gone")


@rawhttp
def run(request):
    kind = request.args.get("kind", "tokens")
    if kind == "tokens":
        return AMLResponse(tokens(request.get_data(as_text=True)), 200)
    if kind == "bytes":
        return Response((bytes([65 + n]) * 3 for n in range(3)), mimetype="application/octet-stream")
    if kind == "events":
        return Response(stream_with_context(events(int(request.args["count"]))), mimetype="text/event-stream")
    if kind == "empty items":
        return Response(iter(["", "a", "", "b", ""]), 201, {"X-Kind": "items"})
    if kind == "nothing":
        return Response(iter([]))
    if kind == "list":
        return Response(["x", "y"])
    if kind == "breaks":
        return Response(breaks())
    return AMLResponse("no such kind", 404)
