# Two registered models, each below <name>/<version>; the newest version of each is taken.
import json
import os
from pathlib import Path

from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema


def newest(name):
    versions = Path(os.environ["AZUREML_MODEL_DIR"], name).iterdir()
    folder = max(versions, key=lambda version: int(version.name))
    return json.loads((folder / "model.json").read_text())


def init():
    global models
    models = {name: newest(name) for name in ("price", "demand")}
    print({name: model["version"] for name, model in models.items()})


@input_schema("model", StandardPythonParameterType("price"))
@input_schema("x", StandardPythonParameterType([1.0]))
@output_schema(StandardPythonParameterType({"y": [1.0], "version": 1}))
def run(x, model="price"):
    chosen = models[model]
    return {"y": [chosen["slope"] * value + chosen["intercept"] for value in x], "version": chosen["version"]}
