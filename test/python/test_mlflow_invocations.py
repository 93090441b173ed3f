"""POST /invocations of MLflow models: tables A to F of what MLflow's own server answers (MLF-6 to MLF-13)."""

from __future__ import annotations

import gzip
import json
import re
import zlib

import pytest
from mlflow_worker import needs_models, recorded, rounded, served

pytestmark = needs_models

PATH = "/invocations"
COLUMNS = ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]
ROW = [index / 10 for index in range(1, 11)]
SPLIT = json.dumps({"dataframe_split": {"columns": COLUMNS, "data": [ROW]}})
ANSWER = '{"predictions": [1234.9865]}'


RECORDINGS = [
    pytest.param(model, case, id=f"{table}: {case['name']}")
    for table, model, name in (
        ("table A", "diabetes", "invocations-diabetes"),
        ("table B", "iris", "invocations-iris-tensor"),
        ("table B, no signature", "iris-nosig", "invocations-iris-nosig"),
        ("table C", "types", "invocations-types"),
        ("table F", "outputs", "invocations-outputs"),
    )
    for case in recorded(name)
]


def without_nan(text: str) -> str:
    """Write null for what JSON has no word for: MLflow's server writes it as Python does."""
    return re.sub(r"\bNaN\b|-?\bInfinity\b", "null", text)


TEXTS_OF_OTHERS = ("stack_trace", "Traceback", "/site-packages/", "IMPORTANT")


@pytest.mark.parametrize(("model", "case"), RECORDINGS)
def test_answers_as_mlflows_server(model: str, case: dict) -> None:
    got = served(model).ask(PATH, case["request"], content_type=case["type"])
    assert got.status == case["status"], got.report or got.text
    if case["status"] == 200:
        assert rounded(got.text) == rounded(without_nan(case["body"]))
    if case["status"] == 400:
        # The words for what is wrong, and none of the data (MLF-13).
        assert got.fault == "input"
        assert got.message
        # Not copied: CSV for tensors, which MLflow's server cannot read, and which does not fit here.
        is_unreadable = case["error_code"] == "BAD_REQUEST" and (model, case["name"]) != ("iris", "csv")
        assert (got.report["type"] == "BAD_REQUEST") is is_unreadable, got.message
        assert not any(text in got.message for text in TEXTS_OF_OTHERS)
        for quoted in ("'x'", "nope", "[[0.1", "0.1  0.2", "'hi'", "Input:"):
            assert quoted not in got.message
    # The next request works.
    assert served("diabetes").ask(PATH, SPLIT).rounded == ANSWER


@pytest.mark.parametrize(
    ("model", "body", "words"),
    [
        ("diabetes", {"dataframe_records": [{"sex": 1}]}, "Model is missing inputs ['age', 'bmi'"),
        ("diabetes", {"inputs": [ROW]}, "extra inputs"),
        (
            "diabetes",
            {"dataframe_split": {"columns": ["age"], "data": [["x"]]}},
            "Failed to convert column age to type",
        ),
        ("diabetes", {"dataframe_split": [ROW]}, "must be a dictionary. Got list."),
        ("diabetes", {"dataframe_split": {"columns": COLUMNS, "data": [[None, *ROW[1:]]]}}, "does not take the input"),
        ("iris", {"inputs": [[1, 2, 3]]}, "Shape of input (1, 3) does not match expected shape (-1, 4)."),
        ("iris", {"inputs": [["x", 1, 2, 3]]}, "could not convert string to float"),
        ("unnamed", {"dataframe_split": {"data": [[1]]}}, "declares 2 inputs"),
        ("types", {"dataframe_records": [{"i": None}]}, "Failed to convert column i to type 'int32'."),
    ],
)
def test_complaints_say_what_is_expected_and_quote_no_data(model: str, body: dict, words: str) -> None:
    got = served(model).ask(PATH, json.dumps(body))
    assert got.fault == "input", got.report
    assert words in got.message
    assert "'x'" not in got.message


def test_unnamed_columns_check_only_the_count(  # (table C)
) -> None:
    got = served("unnamed").ask(PATH, json.dumps({"dataframe_split": {"data": [[1, 2, 3]]}}))
    assert [row["col"] for row in json.loads(got.text)["predictions"]] == [0, 1]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (
            {"inputs": {"a": [[1, 2], [3, 4]], "b": [5, 6]}},
            200,
            '{"predictions": {"a": [[2.0, 4.0], [6.0, 8.0]], "b": [5, 6]}}',
        ),
        ({"instances": [{"a": [1, 2], "b": 5}, {"a": [3, 4], "b": 6}]}, 200, '"b": [5, 6]'),
        ({"dataframe_split": {"columns": ["a", "b"], "data": [[[1, 2], 5], [[3, 4], 6]]}}, 200, '"b": [5, 6]'),
        ({"inputs": {"a": [[1, 2]], "b": [5], "c": [1]}}, 200, '"b": [5]'),
        ({"inputs": {"a": [[1, 2]], "b": [1.7]}}, 200, '"b": [1]'),
        ({"inputs": {"a": [[1, 2]], "b": [1, 2, 3]}}, 200, '"b": [1, 2, 3]'),
        ({"inputs": {"a": [[1, 2]]}}, 400, "Model is missing inputs ['b']."),
        ({"inputs": {"a": [[1, 2, 3]], "b": [5]}}, 400, "Shape of input (1, 3) does not match expected shape (-1, 2)."),
        ({"inputs": {"a": 1, "b": 5}}, 400, "Shape of input () does not match"),
        ({"inputs": [[1, 2]]}, 400, "Model is missing inputs ['a', 'b']."),
    ],
)
def test_named_tensors(body: dict, status: int, words: str) -> None:  # (table D)
    got = served("tensors").ask(PATH, json.dumps(body))
    assert got.status == status, got.report
    assert words in (got.text or got.message)


DEFAULTS = "{'temperature': 0.5, 'top_k': 3, 'stop': ['a']}"


@pytest.mark.parametrize(
    ("params", "status", "words"),
    [
        (None, 200, DEFAULTS),
        ({}, 200, DEFAULTS),
        ({"zz": 1}, 200, DEFAULTS),
        (
            {"temperature": 1, "top_k": 5, "stop": ["x", "y"]},
            200,
            "{'temperature': 1.0, 'top_k': 5, 'stop': ['x', 'y']}",
        ),
        ({"top_k": "5"}, 400, "Failed to validate type and shape for 'top_k'"),
        ({"top_k": 5.5}, 400, "Failed to validate type and shape for 'top_k'"),
        ({"stop": "secret"}, 400, "Value must be a 1D array with shape (-1,) for param 'stop'"),
        ([1], 400, "Parameters must be a dictionary. Got type 'list'."),
    ],
)
def test_params(params: object, status: int, words: str) -> None:  # (table E, MLF-5)
    got = served("params").ask(PATH, json.dumps({"inputs": ["a"], "params": params}))
    assert got.status == status, got.report
    assert words in (got.text or got.message)
    assert "secret" not in (got.text or got.message)
    if params is None:
        assert served("params").ask(PATH, '{"inputs": ["a"]}').text == got.text


def test_params_that_predict_has_no_place_for_are_dropped() -> None:  # (MLF-5)
    got = served("no-params").ask(PATH, json.dumps({"inputs": {"x": [1, 2]}, "params": {"a": 1}}))
    assert got.text == '{"predictions": [2]}'


def test_a_signature_of_type_hints_takes_inputs_as_they_are() -> None:  # (MLF-9)
    assert served("hints").ask(PATH, '{"inputs": [1, 2]}').text == '{"predictions": [2, 3]}'
    for body in ('{"instances": [1]}', '{"dataframe_split": {"data": [[1]]}}', "{}"):
        assert "type hints" in served("hints").ask(PATH, body).message
    assert served("hints").ask(PATH, '{"inputs": ["x"]}').fault == "input"


@pytest.mark.parametrize("key", ["messages", "prompt", "input"])
def test_chats_go_to_the_model_as_they_are_and_back_bare(key: str) -> None:  # (MLF-10)
    body = {key: [{"role": "user", "content": "hi"}], "temperature": 0.1}
    assert json.loads(served("chat").ask(PATH, json.dumps(body)).text) == {"got": body}


def test_a_parameter_of_the_signature_in_a_chat_is_one() -> None:  # (MLF-10)
    got = served("params").ask(PATH, json.dumps({"prompt": "x", "q": ["a"], "top_k": 7}))
    assert "'top_k': 7" in got.text
    assert not got.text.startswith('{"predictions"')


def test_other_members_are_not_looked_at() -> None:  # (MLF-10)
    got = served("diabetes").ask(PATH, '{"foo": 1, "input_data": [], "columns": []}')
    assert "Received dictionary with input fields: []." in got.message


@pytest.mark.parametrize(
    "body",
    ["", "{", "[1,2]", "5", '"x"', "null", "[" * 100_000, b"\xff\xfe\x00", b'{"inputs": "\xc3"}', '{"inputs": NaN}'],
)
def test_bodies_that_are_no_json_object_are_the_clients_fault(body: str | bytes) -> None:  # (table A)
    got = served("diabetes").ask(PATH, body)
    assert got.fault == "input"
    assert got.message


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json; charset=utf-8", 200),
        ('application/json;charset="UTF-8"', 200),
        ("Application/JSON", 200),
        ("application/json; charset=latin1", 415),
        ("application/json; format=pandas-split", 415),
        ("text/plain", 415),
        ("", 415),
    ],
)
def test_content_types(kind: str, status: int) -> None:  # (MLF-11)
    got = served("diabetes").ask(PATH, SPLIT, content_type=kind)
    assert got.status == status, got.report
    if status == 415:
        assert got.headers["content-type"] == "application/json"
        assert json.loads(got.text)["error_code"] == "BAD_REQUEST"


CSV = f"{','.join(COLUMNS)}\n{','.join(map(str, ROW))}\n"


def test_csv(  # (table A, table B)
) -> None:
    assert served("diabetes").ask(PATH, CSV, content_type="text/csv").rounded == ANSWER
    # Not copied: the fault that MLflow's server has with CSV for tensors.
    flowers = "a,b,c,d\n5.1,3.5,1.4,.2\n"
    assert served("iris").ask(PATH, flowers, content_type="text/csv").text == '{"predictions": [0]}'
    for body in ("", "a,b\n1,2\n", b"\xff\xfe"):
        assert served("diabetes").ask(PATH, body, content_type="text/csv").fault == "input"


def test_parquet_needs_a_reader_in_the_models_environment() -> None:  # (MLF-11)
    got = served("diabetes").ask(PATH, b"PAR1", content_type="application/vnd.apache.parquet")
    assert got.status == 415
    assert "pyarrow" in got.text


def test_compressed_bodies() -> None:
    for encoding, body in (("gzip", gzip.compress(SPLIT.encode())), ("deflate", zlib.compress(SPLIT.encode()))):
        got = served("diabetes").ask(PATH, body, content_encoding=encoding)
        assert got.rounded == ANSWER
        assert served("diabetes").ask(PATH, body[:-3], content_encoding=encoding).fault == "input"
        assert served("diabetes").ask(PATH, body + b"x", content_encoding=encoding).fault == "input"
    assert served("diabetes").ask(PATH, SPLIT, content_encoding="gzip").fault == "input"


class TestWhatTheModelRaises:
    def test_for_data_it_cannot_work_with_is_the_clients_fault_without_its_words(self) -> None:  # (table F)
        got = served("outputs").ask(PATH, '{"inputs": ["raise"]}')
        assert got.fault == "input"
        assert "ValueError" in got.message
        assert "secret" not in got.message
        assert got.report["traceback"] == ""
        # Its words, and where they come from, stand in the log.
        assert "boom with a secret" in served("outputs").worker.stdout()

    @pytest.mark.parametrize("asked", ["keyerror", "mlraise"])
    def test_else_is_the_models(self, asked: str) -> None:  # (table F)
        got = served("outputs").ask(PATH, json.dumps({"inputs": [asked]}))
        assert got.fault == "run"
        assert "code_models.py" in got.report["traceback"]

    def test_is_the_clients_fault_where_a_column_may_be_missing_that_no_signature_names(self) -> None:
        got = served("iris-nosig").ask(PATH, '{"inputs": {"a": [[1, 2, 3, 4]]}}')
        assert got.fault == "input"


class TestWhatJsonCannotHold:
    @pytest.mark.parametrize(
        ("asked", "words"), [("set", "a set, which JSON has no form for"), ("keys", "no form for: keys")]
    )
    def test_fails_the_request_with_a_reason(self, asked: str, words: str) -> None:  # (MLF-12)
        got = served("outputs").ask(PATH, json.dumps({"inputs": [asked]}))
        assert got.fault == "result"
        assert words in got.message


def test_numbers_that_json_lacks_are_null_with_one_warning() -> None:
    each = served("outputs")
    for asked, words in (("nan", "[1.0, null, null]"), ("df", '"b": null, "c": null}]'), ("nan", "null, null")):
        got = each.ask(PATH, json.dumps({"inputs": [asked]}))
        assert words in got.text
    # All else is as it was.
    whole = each.ask(PATH, '{"inputs": ["exact"]}').text
    assert whole == (
        '{"predictions": [1152921504606846977, 0.1, 1e+300, -0.0, "NaN \\u00e9 \\ud83d", {"1": "Infinity"}, null]}'
    )
    warning = (
        "The model returned NaN or Infinity; the client gets null, for JSON has neither. Have the model return "
        "other values there, or ask for binary tensors. With --strict it would be a 500."
    )
    # Of the whole life of this worker, with whatever other tests have asked of it.
    assert each.worker.stdout().count(warning) == 1
    assert each.worker.stdout().count("NaN or Infinity") == 1
