# What scripts read of a request, all at once.
import flask
from azureml_inference_server_http.api.aml_request import AMLRequest, rawhttp


def init():
    pass


@rawhttp
def run(request):
    environ = request.environ
    return {
        "method": request.method,
        "path": request.path,
        "full_path": request.full_path,
        "url": request.url,
        "base_url": request.base_url,
        "host": request.host,
        "query_string": request.query_string.decode("latin-1"),
        "args": request.args.to_dict(flat=False),
        "first": request.args.get("a", type=int, default=-1),
        "headers": sorted((name, value) for name, value in request.headers),
        "header": [request.headers.get("x-own"), request.headers.get("X-OWN", "none"), "x-own" in request.headers],
        "cookies": dict(request.cookies),
        "content_type": request.content_type,
        "mimetype": request.mimetype,
        "content_length": request.content_length,
        "is_json": request.is_json,
        "json": request.get_json(silent=True),
        "data": request.data.decode("latin-1"),
        "again": request.get_data(as_text=True) if request.mimetype != "application/octet-stream" else None,
        "remote_addr": request.remote_addr,
        "environ": [environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["QUERY_STRING"], environ.get("HTTP_X_OWN")],
        "flask": [isinstance(request, flask.Request), isinstance(request, AMLRequest), flask.request.method],
        "subclass": issubclass(AMLRequest, flask.Request),
    }
