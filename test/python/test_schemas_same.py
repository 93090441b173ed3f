"""The built-in `inference_schema` against the real one: schemas, conversions and answers (contract section 17)."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from conftest import DEADLINE_S, PYTHON, PYTHON_DIR, SCHEMAS_PYTHON, needs_schemas

PROBE = Path(__file__).with_name("schema_probe.py")

Facts = dict[str, dict[str, Any]]


@cache
def probe(python: str, *arguments: str) -> Facts:
    """Let schema_probe.py run all its cases."""
    command = [python, str(PROBE), *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def differences(ours: Facts, theirs: Facts, group: str) -> dict[str, tuple[Any, Any]]:
    """Collect what the first says otherwise than the second."""
    return {name: (fact, theirs[group][name]) for name, fact in ours[group].items() if fact != theirs[group][name]}


@needs_schemas
@pytest.mark.parametrize(("group", "count"), [("schemas", 390), ("conversions", 350), ("decorators", 70)])
def test_does_what_the_package_does(group: str, count: int) -> None:
    """IS-2 to IS-6, IS-8 to IS-23, with numpy, pandas and dateutil installed."""
    real = probe(SCHEMAS_PYTHON, "real")
    builtin = probe(SCHEMAS_PYTHON, "builtin", str(PYTHON_DIR))
    assert len(real[group]) >= count
    assert builtin[group].keys() == real[group].keys()
    assert differences(builtin, real, group) == {}


@needs_schemas
@pytest.mark.parametrize("group", ["schemas", "conversions", "decorators"])
def test_does_the_same_with_nothing_installed(group: str) -> None:
    """Without numpy, pandas and dateutil; only the class of the error for an unreadable date is another one."""
    real = probe(SCHEMAS_PYTHON, "real")
    builtin = probe(PYTHON, "builtin", str(PYTHON_DIR))
    assert len(builtin[group]) >= 70
    for name, (ours, theirs) in differences(builtin, real, group).items():
        assert name.startswith(("Standard(WHEN)", "Standard(datetime.time")), (name, ours, theirs)
        assert [text.replace("ValueError", "ParserError") for text in ours] == theirs, name


def test_reads_the_common_spellings_of_dates_without_dateutil() -> None:
    """IS-10."""
    from scorefn_worker.inference_schema_fallback.parameter_types._dates import _parse_plain

    for text, expected in {
        "2020-01-02": "2020-01-02T00:00:00",
        "2020-01-02T03:04:05": "2020-01-02T03:04:05",
        "2020-01-02T03:04:05Z": "2020-01-02T03:04:05+00:00",
        "2020-01-02 03:04:05.5": "2020-01-02T03:04:05.500000",
        "2020-01-02T03:04:05.123456789+05:30": "2020-01-02T03:04:05.123456+05:30",
        "2020-01-02 03:04:05.000006 +0000": "2020-01-02T03:04:05.000006+00:00",
        "2020-01-02 03:04:05 +0100": "2020-01-02T03:04:05+01:00",
        "2020/01/02": "2020-01-02T00:00:00",
        "01/02/2020": "2020-01-02T00:00:00",
        "2 Jan 2020": "2020-01-02T00:00:00",
        "January 2, 2020": "2020-01-02T00:00:00",
        "Thu, 02 Jan 2020 03:04:05 +0000": "2020-01-02T03:04:05+00:00",
    }.items():
        assert _parse_plain(text).isoformat() == expected
    assert _parse_plain("03:04").timetz().isoformat() == "03:04:00"
    assert _parse_plain("03:04:05.5 +0100").timetz().isoformat() == "03:04:05.500000+01:00"
    for unreadable in ("", "x", "2020-13-01"):
        with pytest.raises(ValueError):
            _parse_plain(unreadable)


def test_leaves_spark_to_the_package() -> None:
    """IS-13: a script that needs it is told what to install."""
    code = (
        f"import sys; sys.path.insert(0, {str(PYTHON_DIR)!r})\n"
        "from scorefn_worker.schemas import offer_fallback\n"
        "offer_fallback()\n"
        "import inference_schema.parameter_types.spark_parameter_type"
    )
    result = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert "ImportError: SparkParameterType needs the package inference-schema itself" in result.stderr
    assert "pip install inference-schema[pyspark-support]" in result.stderr
