# request_headers beside a declared input.
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema


def init():
    pass


@input_schema("data", StandardPythonParameterType([[1.0, 2.0]]))
def run(request_headers, data, scale=1):
    print(f"traceparent {request_headers.get('Traceparent')}")
    return {
        "sums": [sum(row) * scale for row in data],
        "tenant": request_headers.get("X-Tenant", "nobody"),
        "names": sorted(request_headers),
        "kind": type(request_headers).__name__,
    }
