"""flask.request beside request_headers and declared input."""

import flask
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema


def init():
    pass


@input_schema("numbers", StandardPythonParameterType([1]))
def run(numbers, request_headers):
    return {
        "sum": sum(numbers),
        "same": request_headers.get("X-One") == flask.request.headers.get("X-One"),
        "one": flask.request.headers.get("X-One"),
        "body": flask.request.get_json(),
        "url": flask.request.url,
    }
