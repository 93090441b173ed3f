"""POST /score of MLflow models: tables G and H of what Azure's script for them answers (MLF-20 to MLF-22, MLF-25)."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import PYTHON_DIR
from mlflow_worker import MODELS_PYTHON, models, needs_models, recorded, rounded, served

pytestmark = needs_models

PATH = "/score"
COLUMNS = ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]
ROW = [index / 10 for index in range(1, 11)]


RECORDINGS = [
    pytest.param(model, case, id=f"table G: {model}: {case['name']}")
    for model, name in (
        ("diabetes", "score-diabetes"),
        ("iris", "score-iris-tensor"),
        ("iris-nosig", "score-nosig"),
    )
    for case in recorded(name)
]

OURS = {"dataframe_split": '{"predictions": [1234.9865]}'}
"""MLflow's own members, which Azure's script does not know."""


@pytest.mark.parametrize(("model", "case"), RECORDINGS)
def test_answers_as_azures_script(model: str, case: dict) -> None:
    got = served(model).ask(PATH, case["request"])
    if case["name"] in OURS:
        assert got.rounded == OURS[case["name"]]
    elif case["status"] == 200:
        assert got.text
        assert got.rounded == rounded(case["body"])
    else:
        # Its blank 500s are faults of the caller's, and have a reason here.
        assert got.fault == "input", got.report
        assert got.message
        if case["status"] == 400 and case["name"] != "inputs":
            assert got.message == case["message"]


@pytest.mark.parametrize(
    ("model", "data", "words"),
    [
        ("diabetes", [ROW], "must be an object with `columns`, `index` and `data`"),
        ("diabetes", "x", "it is a str"),
        ("diabetes", None, "it is null"),
        ("diabetes", {"age": [1]}, "must have `columns` and `data`; it has `age`."),
        ("diabetes", {"columns": COLUMNS, "data": [ROW], "rows": []}, "must have 'data' field and optionally"),
        ("diabetes", {"columns": COLUMNS[1:], "data": [ROW[1:]]}, "Model is missing inputs ['age']."),
        ("iris", {"columns": ["a"], "index": [0], "data": [[1]]}, "must be an array"),
        ("iris", [[1, 2, 3]], "Shape of input (1, 3) does not match expected shape (-1, 4)."),
        ("iris", [[1, 2, 3, 4], [1]], "input_data is no array of float64"),
        ("tensors", {"a": [[1, 2]]}, "Model is missing inputs ['b']."),
        ("tensors", {"a": [[1, 2, 3]], "b": [1]}, "Shape of input (1, 3)"),
        ("tensors", [[1, 2]], "must be an object with an array for each input"),
    ],
)
def test_says_what_is_wrong_with_the_data(model: str, data: object, words: str) -> None:  # (table G)
    got = served(model).ask(PATH, json.dumps({"input_data": data}))
    assert got.fault == "input", got.report
    assert words in got.message


def test_named_tensors() -> None:  # (table G)
    body = {"input_data": {"a": [[1, 2], [3, 4]], "b": [5, 6], "c": ["of no use"]}}
    assert served("tensors").ask(PATH, json.dumps(body)).text == '{"a": [[2.0, 4.0], [6.0, 8.0]], "b": [5, 6]}'


def test_params() -> None:  # (table G)
    data = {"columns": ["q"], "index": [0], "data": [["a"]]}
    for params, words in (({"temperature": 1, "top_k": 5}, "'top_k': 5"), (None, "'top_k': 3"), ({}, "'top_k': 3")):
        assert words in served("params").ask(PATH, json.dumps({"input_data": data, "params": params})).text
    got = served("params").ask(PATH, json.dumps({"input_data": data, "params": {"temperature": "x"}}))
    assert got.fault == "input"
    assert "'temperature'" in got.message


def test_type_hints_take_a_list() -> None:  # (MLF-9)
    assert served("hints").ask(PATH, '{"input_data": [1, 2]}').text == "[2, 3]"
    assert served("hints").ask(PATH, '{"inputs": [1, 2]}').text == '{"predictions": [2, 3]}'


@pytest.mark.parametrize("asked", ["none", "set", "nan"])
def test_results_are_those_of_invocations_without_the_wrapping(asked: str) -> None:  # (table F)
    body = {"input_data": {"columns": ["k"], "index": [0], "data": [[asked]]}}
    got = served("outputs").ask(PATH, json.dumps(body))
    assert {"none": (200, "{}"), "nan": (200, "[1.0, null, null]"), "set": (500, "")}[asked] == (
        got.status,
        got.text,
    )


def schemas(name: str) -> tuple[dict, dict]:
    found = served(name).loaded["schemas"]
    assert found["versions"] == ["2", "3", "3.1"]
    return json.loads(found["input"]), json.loads(found["output"])


ARRAY = {"type": "array", "items": {"type": "number", "format": "double"}, "format": "numpy.ndarray"}


class TestSwagger:
    def test_of_columns(self) -> None:
        # (table H: but the example has a row, so that it can be sent, and the schema is that of such a table)
        found, output = schemas("diabetes")
        data = found["properties"]["input_data"]
        assert data["required"] == ["columns", "index", "data"]
        assert data["format"] == "pandas.DataFrame:split"
        assert data["properties"]["columns"] == {"type": "array", "items": {"type": "string"}}
        assert found["properties"]["params"] == {"type": "object"}
        zeros = {"columns": COLUMNS, "index": [0], "data": [[0.0] * 10]}
        assert found["example"] == {"input_data": zeros, "params": {}}
        assert output == {**ARRAY, "example": [0.0]}

    def test_of_a_tensor(self) -> None:  # (table H)
        found, output = schemas("iris")
        row = {"type": "array", "items": {"type": "number", "format": "double"}}
        assert found["properties"]["input_data"] == {"type": "array", "items": row, "format": "numpy.ndarray"}
        assert found["example"] == {"input_data": [[0.0, 0.0, 0.0, 0.0]], "params": {}}
        integers = {"type": "array", "items": {"type": "integer", "format": "int64"}, "format": "numpy.ndarray"}
        assert output == {**integers, "example": [0]}

    def test_of_named_tensors(self) -> None:  # (table H)
        found, output = schemas("tensors")
        data = found["properties"]["input_data"]
        assert data["type"] == "object"
        assert data["required"] == ["a", "b"]
        assert data["properties"]["b"]["items"] == {"type": "integer", "format": "int64"}
        assert found["example"]["input_data"] == {"a": [[0.0, 0.0]], "b": [0]}
        assert output["example"] == {"a": [[0.0, 0.0]], "b": [0]}

    def test_of_nothing(self) -> None:  # (table H)
        free = {"type": "object"}
        assert schemas("iris-nosig") == (
            {
                "type": "object",
                "properties": {"input_data": free, "params": free},
                "example": {"input_data": {}, "params": {}},
            },
            {"type": "object", "example": {}},
        )

    def test_of_params(self) -> None:  # (table H)
        found, _ = schemas("params")
        params = found["properties"]["params"]
        assert params["required"] == ["temperature", "top_k", "stop"]
        assert params["properties"]["temperature"] == {"type": "number", "format": "double"}
        assert found["example"]["params"] == {"temperature": 0.5, "top_k": 3, "stop": ["a"]}

    def test_has_the_example_that_the_model_was_saved_with(self) -> None:  # (MLF-25)
        found, _ = schemas("diabetes-example")
        assert found["example"]["input_data"] == {"columns": COLUMNS, "index": [0], "data": [ROW]}
        found, _ = schemas("iris-example")
        assert found["example"]["input_data"] == [[5.1, 3.5, 1.4, 0.2]]

    @pytest.mark.parametrize(
        "name",
        [
            "diabetes",
            "diabetes-example",
            "iris",
            "iris-example",
            "tensors",
            "params",
            "types",
            "hints",
            "unnamed",
            "array",
        ],
    )
    def test_its_example_can_be_sent(self, name: str) -> None:  # (MLF-25)
        found, _ = schemas(name)
        got = served(name).ask(PATH, json.dumps(found["example"], allow_nan=False))
        assert got.status == 200, got.report

    def test_example_files_of_all_sorts_do_no_harm(self, tmp_path: Path) -> None:
        cases: list[tuple[str, dict | None]] = [
            ("{", None),
            ("[]", None),
            ('{"dataframe_split": {"data": 5}}', None),
            (
                '{"dataframe_split": {"columns": ["a"], "data": [[NaN]]}}',
                {"columns": ["a"], "index": [0], "data": [[None]]},
            ),
            ('{"dataframe_records": [{"a": 1}]}', {"columns": ["a"], "index": [0], "data": [[1]]}),
            ('{"inputs": [[1]]}', None),
            (f'{{"dataframe_split": {{"columns": ["a"], "data": [[{"1" * 70_000}]]}}}}', None),
        ]
        folder = tmp_path / "model"
        shutil.copytree(models() / "diabetes", folder)
        texts = json.dumps([text for text, _ in cases])
        made = subprocess.run(
            [MODELS_PYTHON, "-B", "-W", "ignore", "-c", SCHEMAS_OF_EXAMPLES, str(PYTHON_DIR), str(folder)],
            input=texts.encode(),
            check=True,
            capture_output=True,
        )
        zeros = {"columns": COLUMNS, "index": [0], "data": [[0.0] * 10]}
        assert json.loads(made.stdout) == [example or zeros for _, example in cases]


SCHEMAS_OF_EXAMPLES = """
import json, pathlib, sys
sys.path.insert(0, sys.argv[1])
import mlflow.pyfunc
from scorefn_worker.no_code.model import MlflowModel
from scorefn_worker.no_code.swagger import schemas_of
model = MlflowModel("m", sys.argv[2], mlflow.pyfunc.load_model(sys.argv[2]))
found = []
for text in json.load(sys.stdin):
    pathlib.Path(sys.argv[2], "serving_input_example.json").write_text(text)
    found.append(json.loads(schemas_of(model)["input"])["example"]["input_data"])
print(json.dumps(found))
"""


class TestFacts:
    def test_of_columns(self) -> None:  # (OIP-20)
        facts = served("diabetes").loaded
        assert facts["takes"] == "model"
        assert facts["concurrent"] is False
        assert facts["input"] == "json"
        (model,) = facts["models"]
        assert model["name"] == "m"
        assert model["platform"] == "mlflow"
        assert model["engineVersion"].startswith("3.")
        assert model["versions"] == [{"version": "1"}]
        assert model["inputs"] == [{"name": name, "datatype": "FP64", "shape": [-1, 1]} for name in COLUMNS]
        assert model["outputs"] == [{"name": "output-0", "datatype": "FP64", "shape": [-1]}]

    def test_of_every_column_type(self) -> None:  # (OIP-20)
        (model,) = served("types").loaded["models"]
        kinds = {tensor["name"]: tensor["datatype"] for tensor in model["inputs"]}
        numbers = {"i": "INT32", "l": "INT64", "f": "FP32", "d": "FP64", "b": "BOOL", "opt": "FP64"}
        assert kinds == {**numbers, "s": "BYTES", "bin": "BYTES", "t": "BYTES"}

    def test_of_tensors(self) -> None:  # (OIP-20)
        (model,) = served("iris").loaded["models"]
        assert model["inputs"] == [{"name": "input-0", "datatype": "FP64", "shape": [-1, 4]}]
        assert model["outputs"] == [{"name": "output-0", "datatype": "INT64", "shape": [-1]}]
        (model,) = served("tensors").loaded["models"]
        assert [tensor["name"] for tensor in model["inputs"]] == ["a", "b"]

    def test_of_nothing(self) -> None:
        (model,) = served("iris-nosig").loaded["models"]
        assert (model["inputs"], model["outputs"]) == ([], [])
