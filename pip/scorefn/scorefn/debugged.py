"""What the worker needs to join the debug session that this process was launched in.

An editor debugs this process, and debugpy follows the Python processes that it starts. The worker, which runs the score
script, is started by Node, so it connects to the debug adapter itself (python/scorefn_worker/debugger.py).
"""

from __future__ import annotations

import inspect
import json
import os
import sys

PORT_VARIABLE = "AZUREML_DEBUG_PORT"
SESSION_VARIABLE = "SCOREFN_DEBUG_SESSION"


def session() -> dict[str, str] | None:
    """Environment variables for the server; None: this process is not debugged."""
    # Whoever debugs has loaded both.
    pydevd, debugpy = sys.modules.get("pydevd"), sys.modules.get("debugpy")
    setup = getattr(getattr(pydevd, "SetupHolder", None), "setup", None)
    if debugpy is None or not setup or not setup.get("port"):
        return None
    # A debugger that was asked for by the variable is another one, and its place stands.
    if os.environ.get(PORT_VARIABLE):
        return {}
    if "parent_session_pid" not in inspect.signature(debugpy.connect).parameters:
        sys.stderr.write(
            f"scorefn: the script is not debugged: debugpy {debugpy.__version__} lets no process join a session; "
            "update the editor's Python debugger, or see AZUREML_DEBUG_PORT\n"
        )
        return {}
    # Editors bring a debugpy of their own, which nothing else would find.
    folder = os.path.dirname(os.path.dirname(os.path.abspath(debugpy.__file__)))
    facts = {"pid": os.getpid(), "token": setup.get("client-access-token"), "folder": folder}
    return {PORT_VARIABLE: str(setup["port"]), SESSION_VARIABLE: json.dumps(facts)}
