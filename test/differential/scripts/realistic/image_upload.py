# A picture comes as the raw body; a PNG's size stands in its first bytes.
import logging
import struct

from azureml_inference_server_http.api.aml_request import AMLRequest, rawhttp
from azureml_inference_server_http.api.aml_response import AMLResponse

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def init():
    logging.info("ready for pictures")


@rawhttp
def run(request: AMLRequest):
    print(f"Request: [{request.method} {request.full_path}]")
    if request.method == "GET":
        return AMLResponse(f"GET {request.args.to_dict()}", 200)
    if request.method != "POST":
        return AMLResponse("bad request", 405, {"Allow": "GET, POST"})
    picture = request.get_data()
    if not picture.startswith(SIGNATURE):
        return AMLResponse({"error": "not a PNG", "length": len(picture)}, 400, json_str=True)
    width, height = struct.unpack(">II", picture[16:24])
    if request.args.get("format") == "raw":
        return AMLResponse(picture[:8], 200, {"Content-Type": "application/octet-stream"})
    return {"width": width, "height": height, "type": request.content_type, "length": request.content_length}
