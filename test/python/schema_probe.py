"""What one implementation of `inference_schema` makes of a table of cases, as JSON on stdout.

Run as `python schema_probe.py real` or `python schema_probe.py builtin <folder of scorefn_worker>`; the second hides an
installed package. test_schemas_same.py compares the two.
"""
# ruff: noqa: E501, B023 - the tables are wide; what is defined in a loop is called there

from __future__ import annotations

import datetime
import decimal  # noqa: F401 - as is OrderedDict, for the tables
import importlib.abc
import json
import sys
import warnings
from collections import OrderedDict, namedtuple  # noqa: F401
from typing import Any


class _HideInstalled(importlib.abc.MetaPathFinder):
    """Stands first in sys.meta_path and answers with the worker's own package only."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        """Find a module of `inference_schema`."""
        if fullname.partition(".")[0] != "inference_schema":
            return None
        return SchemaFinder().find_spec(fullname, path, target)


if sys.argv[1] == "builtin":
    sys.path.insert(0, sys.argv[2])
    from scorefn_worker.schemas import SchemaFinder

    del sys.path[0]
    sys.meta_path.insert(0, _HideInstalled())

from inference_schema.parameter_types.abstract_parameter_type import AbstractParameterType  # noqa: E402
from inference_schema.parameter_types.standard_py_parameter_type import (  # noqa: E402
    StandardPythonParameterType as Standard,
)
from inference_schema.schema_decorators import input_schema, output_schema  # noqa: E402
from inference_schema.schema_util import (  # noqa: E402
    get_input_schema,
    get_output_schema,
    get_schemas_dict,
    get_supported_versions,
    is_schema_decorated,
)

try:
    import numpy as np
    from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType as Numpy
except ImportError:
    np = Numpy = None  # type: ignore[assignment]
try:
    import pandas as pd
    from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType as Pandas
except ImportError:
    pd = Pandas = None  # type: ignore[assignment]

Point = namedtuple("Point", "x y")
UTC = datetime.timezone.utc
EAST = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
WHEN = datetime.datetime(2020, 1, 2, 3, 4, 5, 6)


class Text(str):
    """A subclass of a standard type."""


class Upper(AbstractParameterType):
    """A type of a script's own (IS-14)."""

    def __init__(self, sample: str) -> None:
        """Keep the sample."""
        super().__init__(sample)

    def deserialize_input(self, input_data: Any) -> Any:
        """Convert."""
        if not isinstance(input_data, str):
            raise ValueError(f"no text: {input_data!r}")
        return Text(input_data.upper())

    def input_to_swagger(self) -> dict[str, Any]:
        """Describe."""
        return {"type": "string", "x-upper": True, "example": self.sample_input}


STANDARD_SAMPLES = """
1 | 10**30 | -1 | 1.5 | 2.0 | True | "x" | "é" | "" | b"abc" | bytearray(b"abc") | None
datetime.date(2020, 1, 2) | WHEN | WHEN.replace(tzinfo=UTC) | WHEN.replace(tzinfo=EAST) | WHEN.replace(microsecond=0)
datetime.time(3, 4, 5, 6) | datetime.time(3, 4, 5, 6, UTC) | datetime.time(3, 4, 5, 6, EAST) | datetime.time(3)
[1, 2] | (1, 2) | range(3) | [] | () | [1, "a"] | ["a", 1] | [1, 2.5] | [1, [2]] | [[1], ["a"]] | [[1, "a"]]
[[1, 2], [3, 4]] | [[[1]]] | [None] | [{"a": 1}, {"b": "x"}] | [{"a": [1, "b"]}] | [[{"a": [1, "b"]}]] | [True, 1]
{"a": 1, "c": {"d": None}} | {} | {"a": [1, "b"]} | {"a": {"b": [1, "c"]}} | {"a": []} | {1: 2, None: 3} | {"a": (1, "b")}
{"a": [[1, "b"]]} | {"a": [{"b": [1, "c"]}]} | [(1, 2)] | [((1, "a"),)] | [[1, 2], [3, "a"]] | [[[1, "a"]]] | [1, None]
{"a": range(2)} | {"a": b"x"} | {"a": WHEN} | [WHEN] | [b"x"] | [datetime.date(2020, 1, 2)] | {"a": datetime.time(3)}
[range(2)] | [bytearray(b"x")] | ([1], (2,)) | (1, "a") | ((1, "a"), 2) | {"a": ([1, "b"],)} | [[], [1]] | [[1], []]
set() | {"a": {1}} | [{1}] | 1j | decimal.Decimal("1.5") | object | Text("x") | [Text("x")] | OrderedDict(b=1, a=2)
Point(1, 2) | {"p": Point(1, 2)} | [OrderedDict(a=1)] | float("nan") | float("inf") | [1.5, float("nan")] | frozenset([1])
{"a": True} | [True, False] | {"é": "日"} | [1, 2.0] | [0.1, 0.2] | 1e16 | 1e-7 | datetime.timedelta(1) | memoryview(b"x")
Standard(1) | [Standard(1)] | [Standard(1), 2] | {"a": Standard(1)} | {"a": Standard(1), "b": 2} | {"a": [Standard(1)]}
[Standard(1), Standard("x")] | {"a": {"b": Standard(1)}} | (Standard(1),) | [[Standard(1)]] | [1, Standard("a")]
{"a": Standard({"b": Standard([1])})} | Upper("x") | {"u": Upper("x")} | [Upper("x")] | {"a": Standard(WHEN)}
{"a": Standard(b"x"), "l": Standard([1, "a"])} | [Standard({"a": 1}), Standard({"a": 2})] | {"a": Standard([1, 2.5])}
[Standard([1]), Standard(["a"])] | {"a": Standard([]), "b": {}} | [{"a": Standard(1)}] | {"a": [{"b": Standard(1)}]}
{"a": (Standard(1), Standard(2))} | {"a": [1, Standard(2)]} | [{}, 1] | [{}, {"a": 1}] | [{"a": 1}, 2] | "x" * 3
{"d": {"e": {"f": [1]}}} | {"l": [[1, 2], [3]]} | {"t": [True, "x"]} | [[1.5], [2]] | {"a": 1, "b": [2, 3.5]}
{"a": Standard(datetime.date(2020, 1, 2))} | {"a": Standard(datetime.time(3))} | {"a": Standard(Standard(1))}
Point(1, "a") | {"a": Point(1, "a")} | [Point(1, "a")] | {"a": OrderedDict(b=[1, "c"])} | [[1], (2,)] | [(1,), (2,)]
OrderedDict(a=WHEN) | {"a": OrderedDict(a=Standard(1))} | [WHEN, 1] | {"a": {"b": b"x"}} | [[b"x"]] | {"a": [WHEN, None]}
datetime.datetime(900, 1, 2) | {WHEN: 1} | {(1, 2): 3} | {True: 1} | {"example": 1} | [{"example": 1}] | {"a": {"example": [1, "b"]}}
{"a": Standard({"example": 1})} | float("1e400") | -0.0 | "\\ud800" | {"a": range(0)} | [range(0)] | [b"x", bytearray(b"y")]
"""

NUMPY_SAMPLES = """
np.array([1, 2]) | np.array([[1, 2], [3, 4]]) | np.zeros((2, 1, 2)) | np.array([]) | np.array(5) | np.zeros((0, 3))
np.array([1], "int8") | np.array([1], "int16") | np.array([1], "int32") | np.array([1], "uint8") | np.array([1], "uint16")
np.array([1], "uint32") | np.array([1], "uint64") | np.array([1.5], "float16") | np.array([1.5], "float32")
np.array([1.5]) | np.array([0.1], "float32") | np.array([True, False]) | np.array([[True]]) | np.array(["a", "bc"])
np.array([b"ab", b"c"]) | np.array([1 + 2j]) | np.array([object], "O") | np.array([1, "a", None, [1]], "O")
np.array(["2020-01-02", "2020-01-03T04:05:06.007"], "datetime64[ms]") | np.array(["2020-01-02"], "datetime64[D]")
np.array(["2020-01-02T03:04:05.123456789"], "datetime64[ns]") | np.array(["NaT"], "datetime64[s]")
np.array([1, 2], "timedelta64[D]") | np.array([5], "timedelta64[ns]") | np.array([3], "timedelta64[M]")
np.array([90], "timedelta64[m]") | np.array([7], "timedelta64[W]") | np.array([2], "timedelta64[ps]")
np.array([(1, 2.5, "x")], [("a", "i4"), ("b", "f8"), ("c", "U3")])
np.array([(1, [1, 2])], [("a", "i4"), ("b", "f8", (2,))]) | np.array([(1, (2, 3))], [("a", "i4"), ("b", [("c", "i4"), ("d", "i8")])])
np.array([(True, b"x", "2020-01-02", 5)], [("a", "?"), ("b", "S2"), ("c", "M8[D]"), ("d", "m8[h]")])
np.array([[(1, 2)], [(3, 4)]], [("a", "i4"), ("b", "i4")]) | np.array([float("nan"), float("inf")]) | np.array([b"x"], "V3")
np.float64(3.5) | np.int64(1) | [1] | None | np.array([1], "longdouble") | np.array([2.0]) | np.array([1e20, 1e-9])
np.array([1], ">i4") | np.array([1.5], ">f8") | np.array([(1, [[1, 2], [3, 4]])], [("a", "i4"), ("b", "i4", (2, 2))])
np.array([(1, [True])], [("a", "i4"), ("b", "?", (1,))]) | np.arange(10, 0, -1) | np.array([3726.995]) | np.array([b"\\xff\\x00a"])
np.array([(1, "2020-01-02")], [("a", "O"), ("b", "O")]) | np.ma.array([1, 2], mask=[0, 1]) | np.array([[["a"]]])
np.array([3], "m8[7D]") | np.array([3], "m8") | np.array(["NaT"], "m8[D]") | np.array([("é",)], [(("title", "n"), "U2")])
np.rec.array([(1, 2)], dtype=[("a", "i4"), ("b", "i4")]) | np.array([{"a": 1}], "O") | np.array([(1, 1)], [("a", "i4"), ("b", "c8")])
np.array([3], "m8[Y]") | np.array([3], "m8[ms]") | np.array([3], "m8[us]") | np.array([3], "m8[fs]") | np.array([3], "m8[as]")
np.array([[[1]], [[2]]], "m8[h]") | np.array([["2020-01-02"]], "M8[s]") | np.array([np.array([1, 2]), np.array([3])], dtype=object)
np.zeros(1, "V2") | np.array([[{"a": 1}, 2]], dtype=object) | np.array([(1, [[1, "a"]])], [("a", "i4"), ("b", "O")]) | np.array([[b"a"]])
np.array([(1, [(1, 2)])], [("a", "i4"), ("b", [("c", "i4"), ("d", "i4")], (1,))]) | np.array([(1, b"ab")], [("a", "i4"), ("b", "V2")])
np.array([(1, ["2020-01-01"])], [("a", "i4"), ("b", "M8[D]", (1,))]) | np.array([["a", "b"]]) | np.array(["2020-01"], "M8[M]")
np.array([1], "longlong") | np.array([1], "intc") | np.array([1], "c8") | np.array([[1, 2]])[:0]
"""

MIXED_SAMPLES = """
{"i": Pandas(pd.DataFrame({"a": [1]})), "n": Numpy(np.array([1])), "k": 0} | [Numpy(np.array([1.5]))]
{"a": Numpy(np.array([True]))} | {"a": np.float64(1.5)} | [np.float64(1.5)] | np.float64(3.5) | np.int64(3) | {"a": np.int64(1)}
{"a": Pandas(pd.DataFrame({"a": [1], "b": ["x"]}), orient="split")} | {"a": Pandas(pd.DataFrame({"a": [1], "b": ["x"]}), orient="values")}
"""

PANDAS_FRAMES = """
pd.DataFrame({"n": [1, 2], "f": [1.5, 2.0], "s": ["a", "b"], "b": [True, False]})
pd.DataFrame({"a": [1, 2]}) | pd.DataFrame({"a": [1.5], "b": [2]}) | pd.DataFrame() | pd.DataFrame({"a": []})
pd.DataFrame([[1, 2], [3, 4]]) | pd.DataFrame({"a": [1]}, index=["row"]) | pd.DataFrame({"a": [None, 1.0]})
pd.DataFrame({"d": pd.to_datetime(["2013-12-31", "2014-01-01"]), "t": pd.to_timedelta(["1 days", "2 hours"]), "x": [1, 2]})
pd.DataFrame({"d": pd.to_datetime(["2013-12-31T10:00:00+02:00"])}) | pd.DataFrame({"o": [{"k": [1, "a"]}]}) | pd.DataFrame({"l": [[1, "a"]]})
pd.DataFrame({"c": pd.Categorical(["a", "b"])}) | pd.DataFrame({"é": ["日/"]}) | pd.DataFrame({"a": [1, "x"]})
pd.DataFrame({"a": ["x"], "b": [1]}) | pd.DataFrame({"u": pd.array([1], dtype="uint8")}) | pd.DataFrame({"f": pd.array([1.5], dtype="float32")})
pd.DataFrame({"a": [1], "d": [datetime.date(2020, 1, 2)]}) | pd.DataFrame({"m": [float("nan")]}) | pd.DataFrame({"big": [10**17]})
"""

ORIENTS = ["records", "split", "index", "columns", "values", "table"]

# Sample, then the inputs to convert.
CONVERSIONS = """
1 ; 2 | True | 1.0 | "1" | None | [1] | 10**30
1.5 ; 2.5 | 2 | True | "x" | None | float("nan")
True ; False | 1 | "true" | None
"x" ; "y" | 1 | None | ["a"] | ""
b"abc" ; "YWJj" | "YWJ" | "not base64!!" | "" | 5 | None | "YW Jj" | "é" | ["YWJj"] | {"a": 1}
bytearray(b"abc") ; "YWJj" | 5
datetime.date(2020, 1, 2) ; "2020-01-02" | 5 | "x"
WHEN ; "2020-01-02" | "2020-01-02T03:04:05" | "2020-01-02T03:04:05Z" | "2020-01-02 03:04:05.000006 +0000" | "2020-01-02T03:04:05+05:30" | "2020-01-02 03:04:05.5" | "" | 5 | None | ["2020"] | "x"
datetime.time(3, 4) ; "03:04:05" | "03:04:05.000006 +0000" | "03:04" | "2020-01-02T03:04:05+05:30" | 5 | "x" | "" | None
{"a": 1} ; {"b": 2} | {} | [] | "x" | None
[1, 2] ; ["a"] | [] | {} | "x" | None | 5
(1, 2) ; [3] | {} | "x" | [] | None
range(3) ; [1] | "x" | {} | None
1j ; 1 | "x"
Text("x") ; "y" | 1
OrderedDict(a=1) ; {"b": 1} | []
Point(1, 2) ; [1, 2] | {"x": 1}
decimal.Decimal(1) ; 1
{"a": Standard(1), "b": 2} ; {"a": 3, "b": "x"} | {"a": "x"} | {"b": 1} | {} | {"a": None} | [1] | {"a": 1, "z": "q"}
{"a": Standard(b"x")} ; {"a": "YWJj"} | {"a": 1}
[Standard(b"x")] ; ["YWJj", "eA=="] | [] | [1] | {} | "YWJj"
[Standard(b"x"), Standard(1)] ; ["YWJj", "eA=="] | ["YWJj", 1]
(Standard(b"x"),) ; ["YWJj"] | []
[1, Standard(b"x")] ; ["YWJj"] | [1]
{"a": {"b": Standard(b"x")}} ; {"a": {"b": "YWJj"}} | {"a": 1}
{"a": [Standard(b"x")]} ; {"a": ["YWJj"]}
{"a": Standard({"b": Standard(b"x")})} ; {"a": {"b": "YWJj"}} | {"a": 5} | {"a": {"b": 5}}
{"a": Standard([Standard(b"x")])} ; {"a": ["YWJj"]}
[[Standard(b"x")]] ; [["YWJj"]]
{"t": Standard((1, 2))} ; {"t": [1]} | {"t": {}}
[Standard((1, 2))] ; [[1], [2]] | [5]
{"f": Standard(1.5), "b": Standard(True)} ; {"f": 1, "b": False} | {"f": True} | {"b": 1}
{"d": Standard(WHEN)} ; {"d": "2020-01-02"}
{1: Standard(b"x")} ; {"1": "YWJj"}
"x" ; "\\ud800"
b"x" ; "\\ud800"
WHEN ; " 2020-01-02 " | "20200102T030405"
[{"a": Standard(b"x")}] ; [{"a": "YWJj"}]
{"u": Upper("x")} ; {"u": "abc"} | {"u": 5}
[Upper("x")] ; ["abc", "d"] | [5]
"""

NUMPY_CONVERSIONS = """
Numpy(np.array([1])) ; [1, 2] | [1.7] | ["5"] | ["x"] | [] | [[1]] | 5 | "x" | {} | None | [None] | [1, [2]] | np.array([2.5]) | [True] | [10**30]
Numpy(np.array([[1, 2]])) ; [[1, 2]] | [[1, 2], [3, 4]] | [1, 2] | [[1, 2, 3]] | [[1], [2]] | [] | [[]] | [[1, 2], [3]]
Numpy(np.zeros((2, 2, 2))) ; [[[1, 2], [3, 4]]] | [[[1, 2]]] | [[[1], [2]]] | [[[1, 2, 3], [1, 2, 3]]]
Numpy(np.array([[1, 2]]), enforce_shape=False) ; [1, 2] | [[1, 2, 3]] | 5
Numpy(np.array([1]), enforce_column_type=False) ; [1.5] | ["x"] | [1, "a"] | [[1]] | [] | [None]
Numpy(np.array([1]), False, False) ; [[1.5]] | [{"a": 1}]
Numpy(np.array([1.5])) ; [1] | ["2.5"] | ["x"] | [None] | [True] | [float("nan")]
Numpy(np.array([1.5], "float32")) ; [0.1]
Numpy(np.array([True])) ; [True, False] | [1, 0] | ["x", ""] | ["True", "False"] | [None]
Numpy(np.array(["a"])) ; ["b", "cde"] | [1] | [None]
Numpy(np.array([b"ab"])) ; ["c", "def"] | ["YWJj"] | ["é"] | [1]
Numpy(np.array([object], "O")) ; [1, "a", None] | [{"a": 1}]
Numpy(np.array(["2020-01-02"], "datetime64[D]")) ; ["2020-01-02"] | ["2020-01-02T03:04:05"] | ["x"] | [5] | [None] | ["2020-01-02 03:04:05,000000"] | ["2020-01-02T03:04:05Z"]
Numpy(np.array(["2020-01-02"], "datetime64[ns]")) ; ["2020-01-02T03:04:05.123456"] | ["2020-01-02"]
Numpy(np.array([["2020-01-02"]], "datetime64[s]")) ; [["2020-01-02"]] | ["2020-01-02"]
Numpy(np.array([1], "timedelta64[D]")) ; ["1 days"] | ["2 DAYS"] | ["48 hours"] | ["5"] | ["5 foo"] | [5] | ["x days"] | ["1 2 days"] | ["1.5 days"] | [None] | ["1 weeks"] | ["-3 days"] | ["1  days"]
Numpy(np.array([1], "timedelta64[D]")) ; [" 1 days"] | ["1 days "] | ["1\\tdays"] | ["+1 days"] | ["1_0 days"] | [""] | ["days"] | [["1 days"]]
Numpy(np.array([1], "timedelta64[D]"), False) ; ["1 days"]
Numpy(np.array([[1]], "m8[D]")) ; [["1 days"]]
Numpy(np.array([(1, ["2020-01-01"])], [("a", "i4"), ("b", "M8[D]", (1,))])) ; [{"a": 1, "b": ["2020-01-02"]}] | [[1, ["2020-01-02"]]]
Numpy(np.array([(1, [(1, 2)])], [("a", "i4"), ("b", [("c", "i4"), ("d", "i4")], (1,))])) ; [{"a": 1, "b": [{"c": 1, "d": 2}]}] | [[1, [(1, 2)]]]
Numpy(np.array([(1, 2)], [("a", "i4"), ("b", "i4")]), False) ; [{"a": 1, "b": 2}]
Numpy(np.array([(1, 2)], [("a", "i4"), ("b", "i4")])) ; [{"a": 1, "b": None}] | ["xy"] | [None]
Numpy(np.array([1], "timedelta64[as]")) ; ["1 attoseconds"] | ["1 femtoseconds"] | ["1 picoseconds"] | ["1 nanoseconds"] | ["1 microseconds"] | ["1 milliseconds"] | ["1 seconds"]
Numpy(np.array([1], "timedelta64[Y]")) ; ["1 years"] | ["12 months"]
Numpy(np.array([1], "timedelta64[m]")) ; ["1 minutes"] | ["1 minute"] | ["1 day"]
Numpy(np.array([(1, 2.5, "x")], [("a", "i4"), ("b", "f8"), ("c", "U3")])) ; [{"a": 1, "b": 2, "c": "y"}] | [[1, 2, "y"]] | [{"a": 1}] | [[1]] | [1] | [{"a": "x", "b": 1, "c": ""}] | [{"a": 1, "b": 2, "c": "y", "z": 1}] | []
Numpy(np.array([(1, [1, 2])], [("a", "i4"), ("b", "f8", (2,))])) ; [{"a": 1, "b": [3, 4]}] | [[1, [3, 4]]] | [{"a": 1, "b": [3]}]
Numpy(np.array([("2020-01-02", 5)], [("c", "M8[D]"), ("d", "m8[h]")])) ; [{"c": "2020-01-03", "d": "4 hours"}] | [["2020-01-03", "4 hours"]] | [{"c": "x", "d": "4 hours"}] | [{"c": "2020-01-03", "d": 4}]
Numpy(np.array([(1, (2, 3))], [("a", "i4"), ("b", [("c", "i4"), ("d", "i8")])])) ; [{"a": 1, "b": {"c": 2, "d": 3}}] | [[1, [2, 3]]] | [[1, {"c": 2, "d": 3}]]
Numpy(np.array([(1, ("2020-01-02", 3))], [("a", "i4"), ("b", [("c", "M8[D]"), ("d", "i8")])])) ; [{"a": 1, "b": {"c": "2020-01-05", "d": 3}}] | [[1, ["2020-01-05", 3]]]
Numpy(np.array([[(1, 2)]], [("a", "i4"), ("b", "i4")])) ; [[{"a": 1, "b": 2}]] | [[[1, 2]]] | [{"a": 1, "b": 2}]
Numpy(np.array([1 + 2j])) ; [1] | ["1+2j"]
Standard({"n": Numpy(np.array([1])), "k": 0}) ; {"n": [1, 2]} | {"n": "x"} | {"n": [[1]]}
Standard([Numpy(np.array([1]))]) ; [[1], [2]]
Numpy(np.zeros((0, 3))) ; [[1, 2, 3]] | [] | [[1, 2]]
"""

PANDAS_CONVERSIONS = """
Pandas(pd.DataFrame({"n": [1], "s": ["a"]})) ; [{"n": 1, "s": "x"}] | [{"s": "x", "n": 1}] | [{"n": 1}] | [] | {} | [{"n": 1, "z": 2}] | [{"n": 1, "s": "x", "t": 2}] | "x" | 5 | None | [[1, "a"]] | {"n": [1], "s": ["a"]} | {"n": {"0": 1}, "s": {"0": "a"}} | [{"n": "x", "s": 1}] | [{"n": 1.5, "s": 2}] | [{"n": None, "s": None}] | [1, 2] | {"n": 1, "s": 2} | [{"n": "7", "s": "y"}] | [{"n": 1, "s": "2020-01-02"}]
Pandas(pd.DataFrame({"n": [1], "s": ["a"]}), enforce_shape=False) ; [{"n": 1}] | [] | [{"q": 1, "r": "x", "n": 2}]
Pandas(pd.DataFrame({"n": [1], "s": ["a"]}), enforce_column_type=False) ; [{"n": 1.5, "s": 2}] | [{"n": "x", "s": "y"}] | [{"n": 1}]
Pandas(pd.DataFrame({"n": [1], "s": ["a"]}), apply_column_names=True) ; [[1, "x"]] | [{"b": 1, "a": "x"}] | [{"s": 1, "n": "x"}]
Pandas(pd.DataFrame([[1, 2]])) ; [[3, 4]] | [{"0": 1, "1": 2}] | [[1]]
Pandas(pd.DataFrame({"d": pd.to_datetime(["2013-12-31"]), "t": pd.to_timedelta(["1 days"])})) ; [{"d": "2014-01-01", "t": "2 days"}] | [{"d": "2014-01-01T00:00:00.000Z", "t": "P1DT0H0M0S"}] | [{"d": "x", "t": "y"}] | [{"d": 5, "t": 6}] | [{"d": None, "t": None}]
Pandas(pd.DataFrame({"d": pd.to_datetime(["2013-12-31T10:00:00+02:00"])})) ; [{"d": "2014-01-01T00:00:00Z"}]
Pandas(pd.DataFrame({"n": [1], "s": ["a"]}), orient="split") ; {"columns": ["n", "s"], "index": [0], "data": [[1, "x"]]} | {"columns": ["n"], "data": [[1]]} | [{"n": 1, "s": "x"}] | {"data": [[1, "x"]]}
Pandas(pd.DataFrame({"n": [1], "s": ["a"]}), orient="index") ; {"0": {"n": 1, "s": "x"}} | {"row": {"n": 1, "s": "x"}} | [] | {"0": 5}
Pandas(pd.DataFrame({"n": [1], "s": ["a"]}), orient="columns") ; {"n": {"0": 1}, "s": {"0": "x"}} | {"n": [1], "s": ["x"]} | [{"n": 1, "s": "x"}]
Pandas(pd.DataFrame({"n": [1], "s": ["a"]}), orient="values") ; [[1, "x"]] | [[1]] | [{"n": 1, "s": "x"}]
Pandas(pd.DataFrame({"n": [1], "s": ["a"]}), orient="table") ; {"schema": {"fields": [{"name": "index", "type": "integer"}, {"name": "n", "type": "integer"}, {"name": "s", "type": "string"}], "primaryKey": ["index"]}, "data": [{"index": 0, "n": 1, "s": "x"}]} | [{"n": 1, "s": "x"}]
Pandas(pd.DataFrame({"created_at": ["x"], "date": ["y"], "n": [1]}), enforce_column_type=False) ; [{"created_at": "2020-01-01", "date": "2020-01-02", "n": "5"}] | [{"created_at": 5, "date": 1577923445000, "n": 1.0}]
Pandas(pd.DataFrame({"t": pd.to_timedelta(["1 days"])})) ; [{"t": "48:00:00"}] | [{"t": "5"}] | [{"t": 6}] | [{"t": 1.5}] | [{"t": ""}] | [{"t": True}] | [{"u": "2 days"}]
Pandas(pd.DataFrame({1: ["x"], "b": [1]})) ; [{"1": 5, "b": 6}]
Pandas(pd.DataFrame({"x": ["a"]}, index=pd.to_datetime(["2020-01-01"])), orient="index") ; {"2020-01-01": {"x": "q"}}
Pandas(pd.DataFrame({"x": ["a"]}), enforce_shape=False) ; [{"x": "5"}, {"x": 1}, {"y": 2}] | pd.DataFrame({"x": [1]}) | (1,)
Pandas(pd.DataFrame({"d": pd.to_datetime(["2020-01-01"])}), orient="table") ; {"schema": {"fields": [{"name": "index", "type": "integer"}, {"name": "d", "type": "datetime"}], "primaryKey": ["index"]}, "data": [{"index": 0, "d": "2020-01-03T00:00:00.000"}]}
Pandas(pd.DataFrame({"d": ["2020-01-01"], "date": [5]}), orient="split") ; {"columns": ["d", "date"], "data": [["x", "7"]]} | {"columns": ["d", "date"], "data": [["x", "y"]]}
Pandas(pd.DataFrame({"b": [True], "f": [1.5]})) ; [{"b": False, "f": 2}] | [{"b": 1, "f": "2.5"}] | [{"b": "x", "f": "y"}]
Pandas(pd.DataFrame({"c": pd.Categorical(["a"])})) ; [{"c": "a"}] | [{"c": "z"}]
Pandas(pd.DataFrame({"o": [{"k": 1}]})) ; [{"o": {"z": [1]}}] | [{"o": 5}]
Pandas(pd.DataFrame({"é": ["日"]})) ; [{"é": "本"}]
Standard({"df": Pandas(pd.DataFrame({"a": [1]}))}) ; {"df": [{"a": 1}]} | {"df": "x"} | {"df": [{"a": 1, "b": 2}]}
"""

CONSTRUCTIONS = """
Pandas([1]) | Pandas(None) | Pandas(pd.DataFrame(), orient="x") | Numpy(np.array([1]), enforce_shape=False).input_to_swagger()
input_schema("a", 5) | input_schema("a", int) | output_schema(5) | output_schema("x") | input_schema("a", Standard) | input_schema(param_name="a", param_type=None)
AbstractParameterType(1) | Standard() | Upper(None).input_to_swagger() | Standard(sample_input=3).input_to_swagger()
"""


def outcome(make: Any) -> Any:
    """Call and describe what comes of it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return make()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def show(value: Any) -> Any:
    """Describe a converted value so that equal texts mean equal values of equal types."""
    if np is not None and isinstance(value, np.ndarray):
        return ["ndarray", str(value.dtype), value.shape, repr(value.tolist())]
    if pd is not None and isinstance(value, pd.DataFrame):
        types = [str(item) for item in value.dtypes]
        return ["DataFrame", repr(list(value.columns)), repr(list(value.index)), types, repr(value.values.tolist())]
    if type(value) in (list, tuple):
        return [type(value).__name__, [show(item) for item in value]]
    if type(value) is dict:
        return {repr(key): show(item) for key, item in value.items()}
    if isinstance(value, datetime.datetime):
        return ["datetime", value.isoformat(), str(value.utcoffset())]
    if isinstance(value, datetime.time):
        return ["time", value.isoformat(), str(value.utcoffset())]
    return [type(value).__name__, repr(value)]


def evaluate(expression: str) -> Any:
    """Evaluate one cell of a table."""
    return eval(expression, globals())  # noqa: S307 - the tables above


def described(kind: Any) -> Any:
    """Describe a parameter type."""
    return {"swagger": outcome(lambda: json.dumps(kind.input_to_swagger())), "versions": kind.supported_versions()}


def cells(table: str) -> list[str]:
    """Split a table into its cells."""
    return [cell.strip() for line in table.strip().splitlines() for cell in line.split(" | ")]


def schema_cases() -> dict[str, Any]:
    """IS-20 to IS-23: what each sample is described as."""
    found = {}
    for sample in cells(STANDARD_SAMPLES):
        found[f"Standard({sample})"] = outcome(lambda: described(Standard(evaluate(sample))))
    if Numpy is not None:
        for sample in cells(NUMPY_SAMPLES):
            found[f"Numpy({sample})"] = outcome(lambda: described(Numpy(evaluate(sample))))
    if Pandas is not None:
        for sample in cells(MIXED_SAMPLES):
            found[f"Standard({sample})"] = outcome(lambda: described(Standard(evaluate(sample))))
        for sample in cells(PANDAS_FRAMES):
            for orient in ORIENTS:
                name = f"Pandas({sample}, orient={orient!r})"
                found[name] = outcome(lambda: described(Pandas(evaluate(sample), orient=orient)))
    for expression in cells(CONSTRUCTIONS):
        if ("Pandas" not in expression or Pandas) and ("Numpy" not in expression or Numpy):
            found[expression] = outcome(lambda: str(evaluate(expression)).split(" at 0x")[0])
    return found


def conversion_cases() -> dict[str, Any]:
    """IS-5, IS-10 to IS-12: what each input becomes, through the decorator and through the type itself."""
    rows = [
        f"Standard({row.partition(' ; ')[0]}) ; {row.partition(' ; ')[2]}" for row in CONVERSIONS.strip().splitlines()
    ]
    if Numpy is not None:
        rows += NUMPY_CONVERSIONS.strip().splitlines()
    if Pandas is not None:
        rows += PANDAS_CONVERSIONS.strip().splitlines()
    found = {}
    for row in rows:
        declared, _, inputs = row.partition(" ; ")
        for text in cells(inputs):
            name = f"{declared} <- {text}"

            def decorated() -> Any:
                @input_schema("data", evaluate(declared))
                def run(data: Any) -> Any:
                    return data

                return show(run(data=evaluate(text)))

            found[name] = [
                outcome(decorated),
                outcome(lambda: show(evaluate(declared).deserialize_input(evaluate(text)))),
            ]
    return found


def answers(function: Any) -> Any:
    """Answer the four questions of IS-1."""
    return {
        "decorated": is_schema_decorated(function),
        "input": outcome(lambda: json.dumps(get_input_schema(function))),
        "output": outcome(lambda: json.dumps(get_output_schema(function))),
        "versions": outcome(lambda: get_supported_versions(function)),
        "name": getattr(function, "__name__", None),
        "doc": getattr(function, "__doc__", None),
    }


def decorator_cases() -> dict[str, Any]:
    """IS-2 to IS-9, IS-14 to IS-19."""
    import functools
    import inspect

    found: dict[str, Any] = {}
    one, mixed, text = Standard(1), Standard([1, "a"]), Standard("x")

    def plain(data: Any) -> Any:
        return data

    found["plain"] = answers(plain)

    @input_schema("data", mixed)
    def with_headers(data: Any, request_headers: Any) -> Any:
        """Documented."""
        return [data, request_headers]

    found["with headers"] = answers(with_headers)
    found["signature"] = str(inspect.signature(with_headers))

    @input_schema("a", one)
    @input_schema("b", mixed)
    @output_schema(Standard({"r": 1.5}))
    def top_passes(a: Any, b: Any = 3, *, c: Any = 4) -> Any:
        return [a, b, c]

    found["top passes"] = answers(top_passes)
    found["IS-9 second wrong"] = outcome(lambda: top_passes({"parameters": 1, "input_string": 2}, "x"))
    found["IS-9 in second place"] = outcome(lambda: top_passes(1, {"parameters": 1, "input_string": 2}))
    found["IS-9 not first, both"] = outcome(lambda: top_passes("x", {"parameters": 1, "input_string": 2}))
    found["IS-9 one key more"] = outcome(lambda: top_passes({"parameters": 1, "input_string": 2, "q": 3}, [2]))
    found["call by keyword"] = outcome(lambda: top_passes(a=1, b=[2]))
    found["call by position"] = outcome(lambda: top_passes(1, [2]))
    found["call by position, wrong"] = outcome(lambda: top_passes("x", [2]))
    found["call by position, second wrong"] = outcome(lambda: top_passes(1, "x"))
    found["call with default"] = outcome(lambda: top_passes(a=1))
    found["call with nothing"] = outcome(lambda: top_passes())
    found["call with a stranger"] = outcome(lambda: top_passes(a=1, q=2))
    found["IS-9"] = outcome(lambda: top_passes({"parameters": 1, "input_string": 2}, [2]))
    found["IS-9 by name"] = outcome(lambda: top_passes(a={"parameters": 1, "input_string": 2}))

    @input_schema("b", mixed)
    @input_schema("a", one)
    def top_fails(a: Any, b: Any) -> Any:
        return [a, b]

    found["top fails"] = answers(top_fails)

    @output_schema(mixed)
    @input_schema("a", one)
    def output_mixed(a: Any) -> Any:
        return a

    found["output mixed"] = answers(output_mixed)

    @output_schema(text)
    def only_output(a: Any, b: Any = 1) -> Any:
        return [a, b]

    found["only output"] = answers(only_output)
    found["only output, called"] = outcome(lambda: only_output("q", b=[1]))

    def twice() -> Any:
        @output_schema(text)
        @output_schema(one)
        def two_outputs(a: Any) -> Any:
            return a

        return two_outputs

    found["two outputs"] = outcome(twice)

    def twice_apart() -> Any:
        @output_schema(text)
        @input_schema("a", one)
        @output_schema(one)
        def two_outputs_apart(a: Any) -> Any:
            return a

        return two_outputs_apart

    found["two outputs apart"] = outcome(twice_apart)

    @input_schema("nobody", one)
    def stranger(a: Any) -> Any:
        return a

    found["stranger"] = answers(stranger)
    found["stranger, called"] = outcome(lambda: stranger(a=1))
    found["stranger, given"] = outcome(lambda: stranger(a=1, nobody=1))

    @input_schema("a", one, convert_to_provided_type=False)
    def unconverted(a: Any) -> Any:
        return a

    found["unconverted"] = answers(unconverted)
    found["unconverted, called"] = outcome(lambda: unconverted(a="x"))

    @input_schema("nobody", one, convert_to_provided_type=False)
    def unconverted_stranger(a: Any) -> Any:
        return a

    found["unconverted stranger"] = outcome(lambda: unconverted_stranger(a="x"))

    @input_schema("a", one, optional=True)
    def optional(a: Any = 7) -> Any:
        return a

    found["optional"] = answers(optional)
    for value in (None, "", 0, [], {}, False, 5, "x", [1]):
        found[f"optional {value!r}"] = outcome(lambda: show(optional(a=value)))
    found["optional, missing"] = outcome(lambda: optional())

    @input_schema("a", one, optional=True)
    def optional_needed(a: Any) -> Any:
        return a

    found["optional without default, missing"] = outcome(lambda: optional_needed())

    @input_schema("a", one)
    def needed(a: Any = 7) -> Any:
        return a

    found["default, missing"] = outcome(lambda: needed())
    found["default, None"] = outcome(lambda: needed(a=None))

    @input_schema("a", one)
    @input_schema("a", text)
    def same_twice(a: Any) -> Any:
        return a

    found["same twice"] = answers(same_twice)
    found["same twice, called"] = [outcome(lambda: same_twice(a=1)), outcome(lambda: same_twice(a="x"))]

    @input_schema("a", one)
    def defaults(a: Any, b: Any = "x", *args: Any, k: Any = 1, **more: Any) -> Any:
        return [a, b, args, k, more]

    found["every kind of parameter"] = answers(defaults)
    found["every kind, called"] = outcome(lambda: defaults(1, 2, 3, k=4, z=5))

    @input_schema("k", one)
    def keyword_only(a: Any, *, k: Any) -> Any:
        return [a, k]

    found["keyword only"] = answers(keyword_only)
    found["keyword only, called"] = [outcome(lambda: keyword_only(1, k=2)), outcome(lambda: keyword_only(1, k="x"))]

    @input_schema("a", Upper("x"))
    @output_schema(Upper("y"))
    def custom(a: Any) -> Any:
        return a

    found["custom"] = answers(custom)
    found["custom, called"] = [outcome(lambda: show(custom(a="abc"))), outcome(lambda: custom(a=5))]
    found["custom, subclass passes"] = outcome(lambda: show(custom(a=Text("abc"))))

    def closed(function: Any) -> Any:
        @functools.wraps(function)
        def inner(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return inner

    def closed_plainly(function: Any) -> Any:
        def inner(data: Any) -> Any:
            return function(data=data)

        return inner

    found["wrapped outside"] = answers(closed(with_headers))
    found["wrapped outside plainly"] = answers(closed_plainly(with_headers))
    found["wrapped twice"] = answers(closed_plainly(closed_plainly(with_headers)))

    @input_schema("data", one)
    @closed
    def wrapped_inside(data: Any) -> Any:
        return data

    found["wrapped inside"] = answers(wrapped_inside)
    found["wrapped inside, called"] = [
        outcome(lambda: wrapped_inside(data=1)),
        outcome(lambda: wrapped_inside(data="x")),
    ]

    @input_schema("data", one)
    @closed_plainly
    def wrapped_inside_plainly(data: Any, more: Any = 1) -> Any:
        return data

    found["wrapped inside plainly"] = answers(wrapped_inside_plainly)
    found["wrapped inside plainly, called"] = outcome(lambda: wrapped_inside_plainly(data="x"))

    @closed
    @output_schema(one)
    @closed
    @input_schema("data", text)
    @closed
    def layered(data: Any) -> Any:
        return data

    found["layered"] = answers(layered)
    found["layered, called"] = [outcome(lambda: layered(data=1)), outcome(lambda: layered(data="x"))]

    class Model:
        @input_schema("data", one)
        def method(self, data: Any) -> Any:
            return data

    found["method"] = answers(Model().method)
    found["method, called"] = [outcome(lambda: Model().method(data=1)), outcome(lambda: Model().method(data="x"))]
    found["method of the class"] = answers(Model.method)

    @input_schema("data", one)
    async def waits(data: Any) -> Any:
        return data

    found["async"] = [inspect.iscoroutinefunction(waits), answers(waits)]

    def same_name() -> Any:
        @input_schema("z", one)
        def plain(z: Any) -> Any:
            return z

        return plain

    same_name()
    found["name taken by another"] = answers(plain)
    found["functools.partial"] = outcome(lambda: answers(functools.partial(with_headers, request_headers=1)))
    found["not a function"] = [
        outcome(lambda: is_schema_decorated(thing)) for thing in (5, print, Model, Model(), None)
    ]
    found["undecorated, asked"] = [outcome(lambda: get_input_schema(len)), outcome(lambda: get_supported_versions(len))]

    def helped() -> Any:
        def helper(value: Any) -> Any:
            return value

        @input_schema("data", one)
        def over_helper(data: Any) -> Any:
            return helper(data)

        return over_helper

    found["closure over a helper"] = answers(helped())

    class Silent(Upper):
        def input_to_swagger(self) -> Any:
            return {"type": "string"}

    found["without example"] = outcome(lambda: input_schema("a", Silent("x")))
    # Without the last one of conversion_cases().
    registry = {name: entry for name, entry in get_schemas_dict().items() if not name.endswith(".run")}
    found["registry"] = json.dumps(registry, sort_keys=True)
    found["sample attributes"] = [sorted(vars(Upper("x"))), sorted(vars(one)), one.sample_input]
    return found


if __name__ == "__main__":
    facts = {"schemas": schema_cases(), "conversions": conversion_cases(), "decorators": decorator_cases()}
    json.dump(facts, sys.stdout, indent=1, default=repr)
