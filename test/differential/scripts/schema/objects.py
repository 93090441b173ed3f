from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema


def init():
    pass


@input_schema("num", StandardPythonParameterType(1), convert_to_provided_type=False)
def run(num, s="default", *, other=None):
    return {"num": num, "type": type(num).__name__, "s": s, "other": other}
