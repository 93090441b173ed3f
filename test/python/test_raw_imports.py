"""Names of the reference server that scripts import (API-1 to API-3), and the switch to raw mode (SIG-4, SIG-7)."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Start
from libraries import FLASK_PYTHON
from scorefn_worker import protocol as p

PLAIN = "def init(): pass\ndef run(data): return {}\n"
REQUEST = "azureml_inference_server_http.api.aml_request"
RESPONSE = "azureml_inference_server_http.api.aml_response"
LEGACY = "azureml.contrib.services"

IMPORTS = [
    # API-1
    f"from {REQUEST} import AMLRequest, rawhttp",
    f"from {RESPONSE} import AMLResponse",
    f"import {REQUEST}, {RESPONSE}",
    "from azureml_inference_server_http.api import aml_request, aml_response",
    # API-2
    f"from {LEGACY}.aml_request import rawhttp, AMLRequest",
    f"from {LEGACY}.aml_response import AMLResponse",
    f"import {LEGACY}.aml_request",
    f"from {LEGACY} import aml_request, aml_response",
    f"from {LEGACY}.aml_request import *; from {LEGACY}.aml_response import *; rawhttp, AMLRequest, AMLResponse",
    f"import sys, {LEGACY}.aml_request, {REQUEST}; "
    f"assert sys.modules['{LEGACY}.aml_request'] is sys.modules['{REQUEST}'] is {LEGACY}.aml_request",
    f"import {LEGACY}.aml_response as a, {RESPONSE} as b; assert a is b and a.__spec__.name == '{RESPONSE}'",
    # API-3
    f"import {REQUEST} as m; assert [n for n in vars(m) if n[0] != '_'] == ['AMLRequest', 'rawhttp']",
    f"import {RESPONSE} as m; assert [n for n in vars(m) if n[0] != '_'] == ['AMLResponse']",
]


@pytest.mark.parametrize("python", ["own", "with the reference server"])
def test_every_way_to_import_the_names(start: Start, python: str) -> None:
    """API-1 to API-3."""
    if python != "own" and not FLASK_PYTHON.exists():
        pytest.skip("there is no environment with Flask")
    interpreter = {} if python == "own" else {"python": FLASK_PYTHON}
    script = "\n".join(f"def way{n}():\n    import sys\n    exec({line!r}, {{}})" for n, line in enumerate(IMPORTS))
    worker = start(f"{script}\ndef init(): pass\ndef run(data): globals()[data]()", **interpreter)
    worker.ready()
    for number, line in enumerate(IMPORTS):
        assert worker.run(f"way{number}") == "{}", line


def test_other_azureml_packages_stay_untouched(start: Start, app: Path) -> None:
    """API-2, for packages that stand on the import path before, and after, ours were used."""
    core = app / "azureml" / "core"
    core.mkdir(parents=True)
    (app / "azureml" / "__init__.py").write_text("NAME = 'real'")
    (core / "__init__.py").write_text("NAME = 'core'")
    worker = start("""
        import azureml.core
        from azureml.contrib.services.aml_response import AMLResponse
        def init(): pass
        def run(data):
            import azureml
            return [azureml.NAME, azureml.core.NAME, AMLResponse.__name__]
    """)
    worker.ready()
    assert worker.run() == '["real", "core", "AMLResponse"]'


def test_an_azureml_package_is_found_where_the_script_adds_it(start: Start, app: Path) -> None:
    """API-2."""
    core = app / "later" / "azureml" / "core"
    core.mkdir(parents=True)
    (core / "__init__.py").write_text("NAME = 'core'")
    worker = start("""
        import os, sys
        from azureml.contrib.services.aml_response import AMLResponse
        try:
            import azureml.core
        except ModuleNotFoundError as error:
            missing = error.name
        sys.path.append(os.path.join(os.path.dirname(__file__), "later"))
        import azureml.core
        def init(): pass
        def run(data): return [missing, azureml.core.NAME]
    """)
    worker.ready()
    assert worker.run() == '["azureml.core", "core"]'


@pytest.mark.parametrize(
    ("script", "takes"),
    [
        ("@rawhttp\ndef run(request): pass", "request"),
        ("def run(request): pass\n@rawhttp\ndef other(): pass", "request"),
        ("run = rawhttp(lambda request: None)", "request"),
        ("rawhttp(None)\ndef run(request): pass", "request"),
        ("def run(request): pass", "body"),
        ("def run(request, request_headers): pass", "headers"),
        ("@rawhttp\ndef run(request, request_headers): pass", "request"),
    ],
)
def test_the_decorator_anywhere_makes_the_script_raw(start: Start, script: str, takes: str) -> None:
    """SIG-7."""
    worker = start(f"from {REQUEST} import rawhttp\ndef init(): pass\n{script}")
    assert worker.ready()["takes"] == takes
    record = "run() is decorated with @rawhttp. Server will invoke it with the flask request object."
    assert (record in worker.stdout()) == (takes == "request"), "SIG-5"


def test_the_decorator_returns_and_marks_the_function(start: Start) -> None:
    """API-3, SIG-7."""
    worker = start(f"""
        from {REQUEST} import rawhttp
        def init(): pass
        def run(r): return [decorated is run, run.__scorefn_rawhttp__]
        decorated = rawhttp(run)
    """)
    worker.ready()
    assert worker.run_meta({"method": "POST", "path": "/score", "query": "", "headers": {}}) == "[true, true]"


def test_a_raw_run_may_take_the_headers_too(start: Start) -> None:
    """SIG-2, SIG-6, IN-21."""
    worker = start(f"""
        from {REQUEST} import rawhttp
        def init(): pass
        @rawhttp
        def run(request_headers, *, r, other=1): return [r.method, request_headers, other]
    """)
    worker.ready()
    meta = {"method": "GET", "path": "/score", "query": "", "headers": {"x-foo": "1", "a_b": "2"}}
    assert worker.run_meta(meta) == '["GET", {"X-Foo": "1"}, 1]'


def test_children_that_spawn_find_the_names_too(start: Start) -> None:
    worker = start(f"""
        import multiprocessing
        from {REQUEST} import rawhttp
        def double(n): return 2 * n
        def init(): pass
        @rawhttp
        def run(r):
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                return pool.map(double, [1, 2])
    """)
    worker.ready()
    assert worker.run_meta({"method": "POST", "path": "/score", "query": "", "headers": {}}) == "[2, 4]"


def test_a_body_is_copied_once(start: Start) -> None:
    """A script that reads a big body has it in memory twice at most: as it came, and as bytes."""
    worker = start(f"""
        import resource
        from {REQUEST} import rawhttp
        def init(): pass
        @rawhttp
        def run(r):
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            size = len(r.get_data())
            return [size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before]
    """)
    worker.ready()
    size = 64_000_000
    worker.pipe.sendall(
        p_frame({"method": "POST", "path": "/score", "query": "", "headers": {"content-type": "a/b"}}, b"x" * size)
    )
    got, grown_kib = eval(worker.result(1))  # noqa: S307
    assert got == size
    assert grown_kib < 1.3 * size / 1024


def p_frame(meta: dict[str, object], body: bytes) -> bytes:
    from scorefn_worker.frames import encode_meta

    return encode_meta(p.RUN_META, 1, meta, body)
