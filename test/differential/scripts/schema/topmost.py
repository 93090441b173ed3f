# The topmost decorator alone decides that swagger 2 is there, though the other sample has a mixed list.
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema


def init():
    pass


@input_schema("plain", StandardPythonParameterType([1, 2]), optional=True)
@input_schema("mixed", StandardPythonParameterType([1, "a"]))
@output_schema(StandardPythonParameterType({"a": {"b": [[1], ["a"]]}, "c": {}, "d": []}))
def run(mixed, plain=None):
    return [mixed, plain]
