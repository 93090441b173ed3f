"""Child processes that run the script's own functions (contract LOAD-3, WEAK-24)."""

from __future__ import annotations

import json

import pytest
from conftest import SKLEARN_PYTHON, Start, eventually, needs_sklearn

POOLS = """
    import dataclasses, multiprocessing, os, sys
    from concurrent.futures import ProcessPoolExecutor
    {imports}

    factor = None
    @dataclasses.dataclass
    class Point:
        x: int
    class Refused(Exception): pass

    def double(number): return Point(2 * number)
    def scale(number): return Point(factor * number)
    def refuse(number): raise Refused(number)
    def values(points): return [point.x for point in points if isinstance(point, Point)]

    def init():
        global factor
        factor = 10
        {init}

    def run(data): return {run}
"""


@pytest.mark.parametrize("how", ["Pool", "ProcessPoolExecutor"])
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_pools_of_the_standard_library_find_functions_and_classes(start: Start, how: str, method: str) -> None:
    # One child: a second that is still starting when the worker stops says so on stderr.
    pool = {
        "Pool": f"multiprocessing.get_context('{method}').Pool(1)",
        "ProcessPoolExecutor": f"ProcessPoolExecutor(1, mp_context=multiprocessing.get_context('{method}'))",
    }[how]
    run = "values(pool.map(double, [1, 2, 3]))"
    worker = start(POOLS.format(imports="", init=f"global pool; pool = {pool}", run=run))
    worker.ready()
    assert worker.run() == "[2, 4, 6]"
    assert worker.stop() == 0
    assert worker.stderr() == ""


@needs_sklearn
@pytest.mark.parametrize("backend", ["loky", "multiprocessing", "threading"])
@pytest.mark.parametrize("imported", ["first", "in run()"])
def test_joblib_finds_functions_classes_and_what_init_made(start: Start, backend: str, imported: str) -> None:
    """The functions go to the children by value, and with them the globals that init() has set."""
    statement = "from joblib import Parallel, delayed"
    call = f"Parallel(n_jobs=2, backend='{backend}')(delayed(scale)(number) for number in (1, 2, 3))"
    worker = start(
        POOLS.format(
            imports=statement if imported == "first" else "",
            init="",
            run=f"values({call})"
            if imported == "first"
            else f"late(data)\n    def late(data):\n        {statement}\n        return values({call})",
        ),
        python=SKLEARN_PYTHON,
    )
    worker.ready()
    assert worker.run() == "[10, 20, 30]"
    assert worker.run(request=2) == "[10, 20, 30]"
    assert worker.stop() == 0


@needs_sklearn
def test_exceptions_of_the_script_come_back_from_joblib(start: Start) -> None:
    worker = start(
        """
        from joblib import Parallel, delayed
        class Refused(Exception): pass
        def refuse(number): raise Refused(number)
        def init(): pass
        def run(data):
            try:
                Parallel(n_jobs=2)(delayed(refuse)(7) for _ in range(1))
            except Refused as refused:
                return refused.args
        """,
        python=SKLEARN_PYTHON,
    )
    worker.ready()
    assert worker.run() == "[7]"
    assert worker.stop() == 0


@needs_sklearn
def test_children_of_children_run_the_script_s_functions(start: Start) -> None:
    worker = start(
        """
        import os
        from joblib import Parallel, delayed
        def where(number): return number, os.getpid()
        def outer(numbers): return Parallel(n_jobs=2)(delayed(where)(number) for number in numbers)
        def init(): pass
        def run(data):
            pairs = [pair for pairs in Parallel(n_jobs=2)(delayed(outer)([n, n + 1]) for n in (1, 3)) for pair in pairs]
            return {"numbers": [n for n, _ in pairs], "children": sorted({pid for _, pid in pairs}), "pid": os.getpid()}
        """,
        python=SKLEARN_PYTHON,
    )
    worker.ready()
    answer = json.loads(worker.run())
    assert answer["numbers"] == [1, 2, 3, 4]
    assert answer["pid"] not in answer["children"]
    assert worker.stop() == 0
    eventually(lambda: not any(_is_running(pid) for pid in answer["children"]))


@needs_sklearn
def test_what_cloudpickle_sends_comes_back_as_the_script_s_own(start: Start) -> None:
    worker = start(
        """
        import pickle, sys
        import cloudpickle
        class Model:
            rate = 3
        def rate(): return sys.modules[__name__].Model.rate
        def init(): pass
        def run(data):
            model, by_name = cloudpickle.dumps(Model()), pickle.dumps(Model())
            # By pickle itself everything goes by name, as in any program.
            same = [type(pickle.loads(sent)) is Model for sent in (model, by_name)]
            return same, b"rate" in model, b"rate" in by_name
        """,
        python=SKLEARN_PYTHON,
    )
    worker.ready()
    assert json.loads(worker.run()) == [[True, True], True, False]


def test_a_pool_that_is_still_busy_keeps_neither_the_stop_nor_exit_handlers(start: Start) -> None:
    worker = start("""
        import atexit, sys, threading
        from concurrent.futures import ThreadPoolExecutor
        def init():
            atexit.register(lambda: sys.stdout.write("handler ran"))
            ThreadPoolExecutor(1).submit(threading.Event().wait)
        def run(data): pass
    """)
    worker.ready()
    assert worker.stop() == 0
    assert worker.stdout().endswith("handler ran")


@pytest.mark.parametrize("place", ["cloudpickle", "parent.cloudpickle"])
def test_an_old_cloudpickle_finds_the_script_in_no_module(start: Start, place: str) -> None:
    """Before 2.0 there was nothing to register with. Its look-up stands here as it was in 1.6, without the rest."""
    old = """
        import sys
        def _lookup_module_and_qualname(obj, name=None):
            name = name or obj.__qualname__
            module = sys.modules.get(obj.__module__)
            return None if module is None or getattr(module, name, None) is not obj else (module, name)
        """
    worker = start(
        f"""
        import os, sys, textwrap
        folder = os.path.join(os.path.dirname(__file__), *{place!r}.split("."))
        os.makedirs(folder)
        if {"." in place}: open(os.path.join(os.path.dirname(folder), "__init__.py"), "w").close()
        with open(os.path.join(folder, "__init__.py"), "w") as file: file.write(textwrap.dedent({old!r}))
        import importlib, json
        def own(): pass
        def init(): pass
        def run(data):
            look_up = importlib.import_module({place!r})._lookup_module_and_qualname
            return look_up(own), [module.__name__ for module in look_up(json.JSONDecoder, "JSONDecoder")[:1]]
        """,
    )
    worker.ready()
    assert worker.run() == '[null, ["json.decoder"]]'


def test_a_module_that_is_only_called_so_is_left_alone(start: Start) -> None:
    worker = start("""
        import os
        with open(os.path.join(os.path.dirname(__file__), "mycloudpickle.py"), "w") as file:
            file.write("told = []\\nregister_pickle_by_value = told.append")
        import mycloudpickle
        def init(): pass
        def run(data): return mycloudpickle.told
    """)
    worker.ready()
    assert worker.run() == "[]"


def test_a_cloudpickle_that_cannot_be_imported_fails_as_ever(start: Start) -> None:
    worker = start("""
        import importlib, os
        with open(os.path.join(os.path.dirname(__file__), "cloudpickle.py"), "w") as file: file.write("1 / 0")
        def init(): pass
        def run(data): importlib.import_module(data)
    """)
    worker.ready()
    assert worker.fail("cloudpickle")["type"] == "ZeroDivisionError"
    assert worker.fail("absent.cloudpickle", 2)["message"] == "No module named 'absent'"


def _is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
