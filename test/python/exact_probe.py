"""Compares tables that are made at once with those that MLflow reads and checks.

python exact_probe.py FOLDER SEED ROUNDS: FOLDER holds scorefn_worker.
Prints a JSON object with what was found. test_mlflow_exact.py asks it.
"""

from __future__ import annotations

import json
import os
import random
import sys
import warnings
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, sys.argv[1])
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_LOGGING_LEVEL"] = "ERROR"
warnings.simplefilter("ignore")

from mlflow.models.utils import _enforce_schema  # noqa: E402
from mlflow.types import ColSpec, Schema  # noqa: E402
from mlflow.utils.proto_json_utils import dataframe_from_parsed_json  # noqa: E402
from pandas.testing import assert_frame_equal  # noqa: E402
from scorefn_worker.no_code.exact_tables import exact_tables  # noqa: E402

KINDS = ["double", "long", "integer", "boolean"]
ODD: list[Any] = [None, "1", True, 1.5, 2**31, 2**53 + 1, 2**63, -(2**31) - 1, float("nan"), [], {}, 3]

rng = random.Random(int(sys.argv[2]))


def value_of(kind: str) -> Any:
    if kind == "double":
        return rng.choice([rng.uniform(-1e3, 1e3), rng.randint(-(2**53), 2**53), 0.1, -0.0, float("nan"), 1e308])
    if kind == "boolean":
        return rng.random() < 0.5
    bits = 31 if kind == "integer" else 63
    return rng.choice([0, rng.randint(-9, 9), 2**bits - 1, -(2**bits) + 1])


def case() -> tuple[Schema, str, Any, bool]:
    """Make a signature, and a table for it. The last is whether nothing is odd about the table."""
    kinds = [rng.choice(KINDS)] * rng.randint(1, 4) if rng.random() < 0.5 else rng.choices(KINDS, k=rng.randint(1, 4))
    names = [f"c{index}" for index in range(len(kinds))]
    schema = Schema([ColSpec(kind, name) for kind, name in zip(kinds, names)])
    rows = [[value_of(kind) for kind in kinds] for _ in range(rng.randint(1, 3))]
    plain = True
    if rng.random() < 0.4:
        plain = False
        rows[rng.randrange(len(rows))][rng.randrange(len(kinds))] = rng.choice(ODD)
    order = list(range(len(names)))
    rng.shuffle(order)
    shown, cells = [names[at] for at in order], [[row[at] for at in order] for row in rows]
    if rng.random() < 0.4:
        records = [dict(zip(shown, row)) for row in cells]
        if rng.random() < 0.3:
            plain = False
            records[0].update({"more": 1}) if rng.random() < 0.5 else records[-1].popitem()
        return schema, "records", records, plain
    split: dict[str, Any] = {"columns": shown, "data": cells}
    if rng.random() < 0.5:
        split["index"] = list(range(len(rows)))
    if rng.random() < 0.3:
        plain = False
        spoil = rng.randrange(5)
        if spoil == 0:
            split["index"] = [7 + at for at in range(len(rows))]
        elif spoil == 1:
            split["columns"] = [*shown[:-1], shown[0] if len(shown) > 1 else "other"]
        elif spoil == 2:
            cells[0].append(1)
        elif spoil == 3:
            split["more"] = 1
        else:
            split["data"] = []
    return schema, "split", split, plain


def compare(schema: Schema, orient: str, value: Any) -> str:
    """Say what came of it: "left" to MLflow, "same", or how the tables differ."""
    pyfunc = SimpleNamespace(
        metadata=SimpleNamespace(flavors={"python_function": {"loader_module": "mlflow.sklearn"}}, metadata=None),
        _predict_fn=lambda table: table,
    )
    tables = exact_tables(pyfunc, schema, None)
    assert tables is not None
    made = tables.from_split(value) if orient == "split" else tables.from_records(value)
    if made is None:
        return "left"
    try:
        table = _enforce_schema(dataframe_from_parsed_json(value, pandas_orient=orient, schema=schema), schema)
        assert_frame_equal(made.table, table, check_index_type=False, check_exact=True)
        layouts = [frame.to_numpy().flags.c_contiguous for frame in (made.table, table)]
        assert layouts[0] == layouts[1], layouts
        assert tables.fits(made.table)
        assert_frame_equal(_enforce_schema(made.table, schema), made.table, check_exact=True)
        assert not tables.fits(made.table[made.table.columns[::-1]].astype("float32"))
    except Exception as error:
        return f"{schema} {orient} {value}: {type(error).__name__}: {error}"
    return "same"


def main() -> None:
    found: dict[str, Any] = {"same": 0, "left": 0, "plain": 0, "plain_left": [], "different": []}
    for _ in range(int(sys.argv[3])):
        schema, orient, value, plain = case()
        outcome = compare(schema, orient, value)
        found["plain"] += plain
        if outcome in ("same", "left"):
            found[outcome] += 1
            if plain and outcome == "left":
                found["plain_left"].append(f"{schema} {orient} {value}")
        else:
            found["different"].append(outcome)
    print(json.dumps(found))


main()
