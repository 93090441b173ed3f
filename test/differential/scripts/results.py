import collections
import datetime
import enum


class Colour(enum.IntEnum):
    RED = 1


Point = collections.namedtuple("Point", "x y")

RESULTS = {
    "dict": {"a": 1},
    "nothing": None,
    "text": "hello",
    "json text": '{"a":1}',
    "integer": 3,
    "big integer": 2**70,
    "float": 0.1,
    "whole float": 1.0,
    "large float": 1e16,
    "small float": 1e-05,
    "boolean": True,
    "list": [1, "a", None],
    "tuple": (1, 2),
    "flask tuple": ("x", 201),
    "not a number": float("nan"),
    "infinities": [float("inf"), float("-inf")],
    "unicode": {"é": "日", "astral": "😀"},
    "controls": "\"\\/\n\r\t\b\f\x00\x1f\x7f",
    "odd keys": {1: "a", None: "c", 2.5: "d", True: "e"},
    "named tuple": Point(1, 2),
    "enum": Colour.RED,
    "empty": [[], {}, ""],
    "lone surrogate": "\ud800",
    # Without a JSON form (OUT-7):
    "bytes": b"abc",
    "set": {1},
    "datetime": datetime.datetime(2020, 1, 2),
    "object": object(),
    "tuple key": {(1, 2): 3},
    "nested bytes": {"a": [b"x"]},
}


def init():
    pass


def run(raw_data):
    return RESULTS[raw_data]
