"""Tables of values of the signature's types are made without MLflow's casts and checks, and are the same (MLF-6)."""

from __future__ import annotations

import json
import subprocess

import pytest
from conftest import PYTHON_DIR, ROOT
from mlflow_worker import MODELS_PYTHON, needs_models

pytestmark = needs_models

ROUNDS = 400


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_tables_made_at_once_are_those_that_mlflow_makes(seed: int) -> None:
    probe = ROOT / "test" / "python" / "exact_probe.py"
    command = [MODELS_PYTHON, str(probe), str(PYTHON_DIR), str(seed), str(ROUNDS)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert found["different"] == []
    # None of a plain table's values needs a look.
    assert found["plain_left"] == []
    assert found["plain"] > 0
    assert found["left"] > 0
