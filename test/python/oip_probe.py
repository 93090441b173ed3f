"""Answers requests for an inference, which come as JSON lines, where MLflow is: python oip_probe.py FOLDER.

FOLDER holds scorefn_worker; a line has `model`, `headers` and `body`, an answer `status` and more.
test_oip.py and others ask it.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

sys.path.insert(0, sys.argv[1])
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
warnings.simplefilter("ignore")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from mlflow.models import Model, ModelSignature  # noqa: E402
from mlflow.pyfunc import PyFuncModel  # noqa: E402
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema, TensorSpec  # noqa: E402
from mlflow.types.schema import Array, Map  # noqa: E402
from scorefn_worker.failures import BadInput  # noqa: E402
from scorefn_worker.no_code.answers import Answer  # noqa: E402
from scorefn_worker.no_code.model import MlflowModel  # noqa: E402
from scorefn_worker.no_code.oip import answer_infer  # noqa: E402

CASES = Path(__file__).resolve().parents[1] / "fixtures" / "models" / "infer-cases.json"

MAX_BODY_BYTES = 1_048_576
"""Of a decompressed body."""


class _Predict:
    """What a loaded model is to MLflow."""

    def __init__(self, predict: Any) -> None:
        self.predict = predict


def serve(name: str, signature: ModelSignature | None, predict: Any) -> MlflowModel:
    """Make a model as mlflow.pyfunc.load_model returns it, with all that MLflow does before predict()."""
    meta = Model(signature=signature)
    meta.add_flavor("python_function", loader_module="none")
    return MlflowModel(name, "/none", PyFuncModel(model_meta=meta, model_impl=_Predict(predict)))


def _dtype(datatype: str) -> np.dtype:
    names = {"BYTES": "object", "BOOL": "bool"}
    return np.dtype(names.get(datatype) or datatype.replace("FP", "float").lower())


def _schema(slots: list[dict[str, Any]]) -> Schema:
    return Schema([TensorSpec(_dtype(slot["datatype"]), slot["shape"], slot["name"]) for slot in slots])


def _addsub(data: dict[str, Any]) -> dict[str, Any]:
    return {"OUTPUT0": data["INPUT0"] + data["INPUT1"], "OUTPUT1": data["INPUT0"] - data["INPUT1"]}


def of_cases() -> dict[str, MlflowModel]:
    """Make the models of the recorded cases."""
    does = {"addsub": _addsub, "identity": lambda data: {"y": data["x"]}}
    return {
        name: serve(name, ModelSignature(_schema(model["inputs"]), _schema(model["outputs"])), does[model["does"]])
        for name, model in json.loads(CASES.read_text())["models"].items()
    }


def _describe(data: Any) -> list[str]:
    """Say what predict() has been given."""
    if isinstance(data, pd.DataFrame):
        return [f"{name} {data[name].dtype} {data[name].tolist()!r}" for name in data.columns]
    if isinstance(data, dict):
        return [f"{name} {array.dtype} {array.tolist()!r}" for name, array in data.items()]
    return [f"{type(data).__name__} {getattr(data, 'dtype', '')} {getattr(data, 'tolist', lambda: data)()!r}"]


def _with_params(data: Any, params: dict[str, Any] | None = None) -> list[str]:
    return [repr({name: np.asarray(value).tolist() for name, value in (params or {}).items()})]


_EVERY = ["boolean", "integer", "long", "float", "double", "string", "binary", "datetime"]


def of_mappings() -> dict[str, MlflowModel]:
    """Make models that tell what they are given, and models that return what is asked for."""
    columns = [ColSpec(kind, kind) for kind in _EVERY] + [ColSpec("double", "maybe", required=False)]
    float64 = np.dtype("float64")
    params = ParamSchema([ParamSpec("temperature", "double", 0.5), ParamSpec("stop", "string", ["a"], shape=(-1,))])
    signatures = {
        "columns": ModelSignature(Schema(columns)),
        "unnamed-columns": ModelSignature(Schema([ColSpec("double"), ColSpec("long")])),
        "array": ModelSignature(Schema([ColSpec(Array("double"), "v")])),
        "map": ModelSignature(Schema([ColSpec(Map("long"), "m")])),
        "tensor": ModelSignature(Schema([TensorSpec(float64, (-1, 2))])),
        "dates": ModelSignature(Schema([TensorSpec(np.dtype("datetime64[ns]"), (-1,), "t")])),
        "words": ModelSignature(Schema([TensorSpec(np.dtype("str"), (-1,), "w")])),
        "undeclared": None,
    }
    models = {name: serve(name, signature, _describe) for name, signature in signatures.items()}
    models["echo"] = serve("echo", None, lambda data: data)
    models["params"] = serve("params", ModelSignature(Schema([ColSpec("string", "q")]), params=params), _with_params)
    for name, result in RESULTS.items():
        models[f"result {name}"] = serve("m", None, lambda _, result=result: result)
    long_columns = Schema([ColSpec("long", "p"), ColSpec("long", "q")])
    named = {
        "tensor": Schema([TensorSpec(float64, (-1,))]),
        "named tensor": Schema([TensorSpec(float64, (-1,), "score")]),
        "column": Schema([ColSpec("double")]),
        "named column": Schema([ColSpec("double", "score")]),
        "two columns": long_columns,
    }
    given = np.array([1.5, 2.5])
    for name, schema in named.items():
        value = np.array([[1, 2], [3, 4]]) if schema is long_columns else given
        signature = ModelSignature(Schema([TensorSpec(float64, (-1,))]), schema)
        models[f"declared {name}"] = serve("m", signature, lambda _, value=value: value)
    return models


RESULTS: dict[str, Any] = {
    "frame": pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": [1.5, float("nan")]}),
    "frame with numbers for names": pd.DataFrame([[1.5, 2.5]]),
    "frame with None": pd.DataFrame({"b": ["x", None]}, dtype=object),
    "frame of nullable": pd.DataFrame(
        {"i": pd.array([1, None], dtype="Int64"), "b": pd.array([True, False], "boolean")}
    ),
    "frame of categories": pd.DataFrame({"k": pd.Categorical(["x", "y", "x"])}),
    "series": pd.Series([1, 2], name="s"),
    "series without name": pd.Series([1.0, 2.0]),
    "matrix": np.array([[1.0, 2.0], [3.0, 4.0]]),
    "infinities": np.array([1.0, np.nan, np.inf, -np.inf]),
    "float32": np.array([0.1, 0.2], dtype=np.float32),
    "big-endian": np.array([1, 2], dtype=">i8"),
    "large integers": np.array([2**60 + 1, -(2**63)]),
    "unsigned": np.array([2**64 - 1], dtype=np.uint64),
    "flags": np.array([True, False]),
    "half": np.array([1.5], dtype=np.float16),
    "dict": {"p": np.array([1, 2]), "x": np.float64(1.5), "s": ["a", "b"]},
    "records": [{"label": "a", "score": 0.5}, {"label": "b", "score": 0.25}],
    "texts": np.array(["a", "é"]),
    "text": "hello",
    "bytes": b"ab\x00\xff",
    "number": 3,
    "dates": np.array(["2024-01-02T03:04:05"], dtype="datetime64[ns]"),
    "empty": np.empty((0, 3)),
    "strided": np.arange(6).reshape(2, 3).T,
    "half a pair": ["\ud83d"],
    "list": [[1, 2], [3, 4]],
    "none": None,
    "no outputs": {},
    "set": {1, 2},
    "mixed": [1, "a"],
    "ragged": [[1], [2, 3]],
    "complex": np.array([1j]),
    "nested": [{"a": {"b": 1}}],
    "different keys": [{"a": 1}, {"b": 2}],
    "beyond 64 bits": [2**70],
}
"""What predict() may return."""


def answer(model: MlflowModel, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    """Ask a model."""
    try:
        made = answer_infer(f"/v2/models/{model.name}/infer", headers, memoryview(body), model, MAX_BODY_BYTES)
    except BadInput as error:
        return {"status": 400, "error": str(error)}
    except Exception as error:
        return {"status": 500, "error": f"{type(error).__name__}: {error}"}
    if isinstance(made, Answer):
        return {"status": 200, "headers": dict(made.headers), "body": base64.b64encode(made.response[0]).decode()}
    text = base64.b64encode(made.text.encode()).decode()
    return {"status": 200, "headers": {"content-type": "application/json"}, "body": text}


def main() -> None:
    """Answer line by line."""
    models = {**of_cases(), **of_mappings()}
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(answer(models[asked["model"]], asked["headers"], base64.b64decode(asked["body"]))), flush=True)


if __name__ == "__main__":
    main()
