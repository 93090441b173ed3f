"""Declarations that cannot be: the variable CASE names the one to make."""

import os

import numpy as np
from azureml_inference_server_http.api.aml_request import rawhttp
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema

CASES = {
    "output twice": lambda run: output_schema(StandardPythonParameterType(1))(output_schema(StandardPythonParameterType(1))(run)),
    "no input type": lambda run: input_schema("data", 5)(run),
    "no output type": lambda run: output_schema("text")(run),
    "no sample": lambda run: input_schema("data", StandardPythonParameterType(None))(run),
    "a set": lambda run: input_schema("data", StandardPythonParameterType({1}))(run),
    "complex numbers": lambda run: input_schema("data", NumpyParameterType(np.array([1j])))(run),
    "no array": lambda run: input_schema("data", NumpyParameterType([1]))(run),
    "raw and declared": lambda run: rawhttp(input_schema("data", StandardPythonParameterType(1))(run)),
}


def init():
    pass


def run(data):
    return data


run = CASES[os.environ["CASE"]](run)
