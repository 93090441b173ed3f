"""The worker's log records and the print hook (contract LOG-1, LOG-2, LOG-3, LOG-12)."""

from __future__ import annotations

import re
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from conftest import DEADLINE_S, Start


def test_prints_become_records_in_utc_with_the_workers_pid(start: Start) -> None:
    worker = start(
        """
        import sys
        def init(): pass
        def run(data):
            print("a", 1, None, sep="-", end="ignored", flush=True)
            print()
            print("two\\nlines", file=sys.stdout)
            print("%s", "é\\ud800", sep=None)
            print("elsewhere", file=sys.stderr)
        """,
        env={"TZ": "Asia/Tokyo", "PYTHONIOENCODING": "ascii"},
    )
    worker.ready()
    worker.run()
    _, _, output = worker.stdout().partition("completed successfully\n")
    prefix = rf"(\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d),\d{{3}} I \[{worker.process.pid}\] azmlinfsrv.print - "
    bodies = ["a-1-None", "", "two\nlines", r"%s é\\ud800"]
    match = re.fullmatch("".join(f"{prefix}{body}\n" for body in bodies), output)
    assert match, output
    written = datetime.strptime(match[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc)
    assert abs(written.timestamp() - time.time()) < DEADLINE_S
    assert worker.stderr() == "elsewhere\n"


def test_the_root_logger_stays_as_python_made_it(start: Start) -> None:
    """LOG-3."""
    worker = start("""
        import logging
        def init(): pass
        def run(data):
            logging.info("lost")
            logging.getLogger("mine").warning("kept")
    """)
    worker.ready()
    worker.run()
    assert "lost" not in worker.stdout() + worker.stderr()
    assert worker.stderr() == "WARNING:mine:kept\n"


def test_the_front_sets_the_threshold(start: Start) -> None:
    worker = start("def init(): print('quiet')\ndef run(data): pass\n", logLevel="WARNING")
    worker.ready()
    assert worker.stdout() == ""


def test_other_output_is_the_scripts_own(start: Start) -> None:
    """LOG-12: only print is hooked."""
    worker = start("""
        import os, subprocess, sys
        def init(): pass
        def run(data):
            sys.stdout.write("raw\\n"); sys.stdout.flush()
            os.write(1, b"lower\\n")
            subprocess.run(["echo", "child"])
    """)
    worker.ready()
    worker.run()
    assert worker.stdout().endswith("raw\nlower\nchild\n")


def test_a_script_that_closes_or_floods_its_stdout_does_no_harm(start: Start) -> None:
    worker = start("""
        import os, sys
        def init():
            print("x" * 5_000_000)
            sys.stdout.close()
            os.close(1)
        def run(data):
            print("still", "there")
            return 1
    """)
    worker.ready()
    assert worker.run() == "1"
    assert "x" * 5_000_000 + "\n" in worker.stdout()
    assert worker.stdout().endswith("azmlinfsrv.print - still there\n")
    assert worker.stop() == 0


def test_records_are_dropped_when_there_is_no_stdout_at_all(start: Start) -> None:
    worker = start("""
        import os
        def init(): pass
        def run(data):
            for number in range(5, 20):
                try: os.close(number)
                except OSError: pass
            print("nowhere")
            return 1
    """)
    worker.ready()
    assert worker.run() == "1"


FORMATTERS = {
    "plain": {"format": "%(levelname)s %(name)s %(message)s"},
    "server": {"()": "azureml_inference_server_http.log_config.AMLLogFormatter"},
}
HANDLERS = {
    "out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "plain"},
    "server": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "server"},
}
PRINTS = """
    import logging
    def init(): print("init")
    def run(data):
        print("run")
        logging.getLogger("mine").info("mine")
        logging.info("root")
"""


def logging_json(**sections: Any) -> dict[str, Any]:
    return {"version": 1, "formatters": FORMATTERS, "handlers": HANDLERS, **sections}


def test_the_whole_logging_json_is_applied(start: Start, tmp_path: Path) -> None:
    """LOG-5, LOG-8."""
    rotating = {"class": "logging.handlers.RotatingFileHandler", "filename": str(tmp_path / "root.log")}
    config = logging_json(
        handlers={**HANDLERS, "rotating": {**rotating, "formatter": "plain"}},
        loggers={"azmlinfsrv": {"handlers": ["out"], "level": "INFO"}},
        root={"handlers": ["rotating"], "level": "INFO"},
    )
    worker = start(PRINTS, logging=config)
    worker.ready()
    worker.run()
    lines = worker.stdout().splitlines()
    assert lines[-2:] == [
        "INFO azmlinfsrv.user_script Users's init has completed successfully",
        "INFO azmlinfsrv.print run",
    ]
    assert "INFO azmlinfsrv.print init" in lines
    assert (tmp_path / "root.log").read_text() == "INFO mine mine\nINFO root root\n"
    assert worker.stderr() == ""


def test_the_reference_servers_classes_are_there_without_it(start: Start) -> None:
    """LOG-7: time in UTC, the built-in format as default, and the filter."""
    config = logging_json(
        filters={"probes": {"()": "azureml_inference_server_http.log_config.RootAccessFilter"}},
        loggers={"azmlinfsrv.print": {"handlers": ["server"], "filters": ["probes"], "propagate": False}},
    )
    worker = start(
        """
        def init(): pass
        def run(data):
            print("GET / HTTP/1.1")
            print("shown")
        """,
        logging=config,
        env={"TZ": "Asia/Tokyo"},
    )
    worker.ready()
    worker.run()
    _, _, output = worker.stdout().partition("completed successfully\n")
    match = re.fullmatch(rf"(\S+ \d\d:\d\d:\d\d),\d{{3}} I \[{worker.process.pid}\] azmlinfsrv.print - shown\n", output)
    assert match, output
    written = datetime.strptime(match[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc)
    assert abs(written.timestamp() - time.time()) < DEADLINE_S


def test_the_reference_server_itself_is_preferred(start: Start, app: Path) -> None:
    package = app / "azureml_inference_server_http"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "log_config.py").write_text(
        "import logging\nclass AMLLogFormatter(logging.Formatter):\n    def format(self, record): return 'real'\n"
    )
    loggers = {"azmlinfsrv": {"handlers": ["server"], "level": "INFO"}}
    worker = start(PRINTS, logging=logging_json(loggers=loggers))
    worker.ready()
    assert set(worker.stdout().splitlines()) == {"real"}


def test_a_logger_that_is_not_named_falls_silent_but_not_those_below(start: Start) -> None:
    worker = start(
        """
        import logging
        def init(): pass
        def run(data):
            logging.getLogger("azmlinfsrv").critical("silent")
            print("shown")
        """,
        logging=logging_json(),
    )
    worker.ready()
    worker.run()
    assert worker.stdout().endswith("azmlinfsrv.print - shown\n")
    assert "silent" not in worker.stdout()


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"version": 2}, "Unsupported version: 2"),
        (
            {"version": 1, "handlers": {"h": {"class": "not_there.Handler"}}},
            "Unable to configure handler 'h': Cannot resolve 'not_there.Handler': No module named 'not_there'",
        ),
        (
            {"version": 1, "handlers": {"h": {"class": "exits.Handler"}}},
            "bye",
        ),
    ],
)
def test_a_configuration_that_python_refuses_ends_the_worker(
    start: Start, app: Path, config: dict[str, Any], reason: str
) -> None:
    """LOG-6."""
    (app / "exits.py").write_text("raise SystemExit('bye')\n")
    worker = start(PRINTS, logging=config)
    failure = worker.failed("load")
    assert failure["records"] == [{"level": "CRITICAL", "message": f"Invalid config file!: logging.json: {reason}"}]
    assert failure["error"]["message"] == failure["records"][0]["message"]
    assert "logging.json" in failure["error"]["hint"]
    assert worker.exit_code() == 3
