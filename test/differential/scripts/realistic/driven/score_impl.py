from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema


def init():
    print("never called by the server")


@input_schema("question", StandardPythonParameterType("why?"))
@output_schema(StandardPythonParameterType("because"))
def run(question):
    return f"{question} because"
