from azureml.contrib.services.aml_request import *  # noqa: F403
from azureml.contrib.services.aml_response import *  # noqa: F403


def init():
    import azureml_inference_server_http.api.aml_request as request_module
    import azureml_inference_server_http.api.aml_response as response_module

    print(sorted(name for name in ("AMLRequest", "rawhttp", "AMLResponse", "flask") if name in globals()))
    print(request_module.rawhttp is rawhttp, response_module.AMLResponse is AMLResponse)  # noqa: F405


@rawhttp  # noqa: F405
def helper():
    """Raw mode is the whole process's, whatever function was decorated."""


def run(request):
    return AMLResponse(f"{request.method} {request.headers['X-Own']}", 200)  # noqa: F405
