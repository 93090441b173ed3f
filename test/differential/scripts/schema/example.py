# As the contract's example has it: a list of mixed types, and request_headers.
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema


def init():
    pass


@input_schema("data", StandardPythonParameterType([1, "a"]))
def run(data, request_headers):
    return data
