from azureml_inference_server_http.api.aml_request import rawhttp
from azureml_inference_server_http.api.aml_response import AMLResponse
from flask import jsonify


def init():
    pass


@rawhttp
def run(request):
    if request.args.get("missing"):
        return request.form["no such field"]
    files = {
        name: [file.filename, file.mimetype, file.read().decode("utf-8", "replace")] for name, file in request.files.items()
    }
    if request.args.get("json"):
        return jsonify(request.get_json())
    if request.args.get("silent"):
        return {"json": request.get_json(silent=True), "is_json": request.is_json}
    if not files and not request.form:
        return AMLResponse({"message": "send a form"}, 400, {}, True)
    return {
        "fields": request.form.to_dict(flat=False),
        "files": files,
        "args": request.args.to_dict(),
        "values": sorted(request.values.keys()),
        "mimetype": request.mimetype,
        "data": request.data.decode(),
    }
