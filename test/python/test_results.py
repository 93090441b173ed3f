"""Results that hardly can be meant: a warning once, or an error with strict (contract OUT-1, WEAK-8)."""

from __future__ import annotations

import pytest
from conftest import Start

EVALUATE = """
    def init(): pass
    def run(data): return eval(data)
"""

SUSPECTS = [
    ("[float('nan')]", "[NaN]", "NaN or Infinity"),
    ("{'a': -float('inf')}", '{"a": -Infinity}', "NaN or Infinity"),
    ("('x', 201)", '["x", 201]', "a tuple (body, status)"),
    ("'{\"a\": 1}'", '"{\\"a\\": 1}"', "a string that holds JSON already"),
    ("'[1]'", '"[1]"', "a string that holds JSON already"),
]


@pytest.mark.parametrize(("expression", "text", "finding"), SUSPECTS)
def test_warns_once_of_each_kind(start: Start, expression: str, text: str, finding: str) -> None:
    worker = start(EVALUATE)
    worker.ready()
    for request in range(1, 4):
        assert worker.run(expression, request) == text
    assert worker.run("[1, 2.5]", 4) == "[1, 2.5]"
    log = worker.stdout()
    assert log.count(f"W [{worker.process.pid}] azmlinfsrv - run() returned {finding}") == 1
    assert log.count("With --strict it would be a 500.") == 1


@pytest.mark.parametrize(("expression", "text", "finding"), SUSPECTS)
def test_refuses_each_of_them_when_strict(start: Start, expression: str, text: str, finding: str) -> None:
    worker = start(EVALUATE, strict=True)
    worker.ready()
    for request in range(1, 3):
        report = worker.fail(expression, request, kind="result")
        assert report["message"].startswith(f"run() returned {finding}")
        assert report["hint"].startswith(("Return ", "Replace "))
    assert worker.run("1", 3) == "1"
    assert "azmlinfsrv - run() returned" not in worker.stdout()


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("None", "{}"),
        ("('x', 99)", '["x", 99]'),
        ("('x', True)", '["x", true]'),
        ("(1, 2, 200)", "[1, 2, 200]"),
        ("['x', 200]", '["x", 200]'),
        ("'{a}'", '"{a}"'),
        ("'{'", '"{"'),
        ("''", '""'),
        ("'5'", '"5"'),
        ("'[' * 100_000 + ']'", f'"{"[" * 100_000}]"'),
        ("1e308", "1e+308"),
    ],
)
@pytest.mark.parametrize("strict", [True, False])
def test_leaves_all_others_alone(start: Start, expression: str, text: str, strict: bool) -> None:
    worker = start(EVALUATE, strict=strict)
    worker.ready()
    assert worker.run(expression) == text
    assert "run() returned" not in worker.stdout()


def test_tells_a_result_that_holds_itself_from_one_with_nan(start: Start) -> None:
    """OUT-7: both are a ValueError to Python's encoder."""
    worker = start("""
        def init(): pass
        def run(data):
            result = []
            result.append(result)
            return result
    """)
    worker.ready()
    assert worker.fail("", kind="result")["message"] == "Circular reference detected"
    assert "NaN" not in worker.stdout()
