"""Tries a built Python function: `python -I try_build.py` reads JSON from its stdin (a list of packages with hashes is
longer than an argument may be), loads the script as a worker would, with nothing in reach but what its list of packages
brings, and writes what it found as JSON to descriptor 3. Part of no build."""

from __future__ import annotations

import ast
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any

IMPORT_NAMES = {
    "PIL": "pillow",
    "attr": "attrs",
    "azureml": "azureml-core",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "fitz": "pymupdf",
    "jwt": "pyjwt",
    "lightning": "pytorch-lightning",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
"""Names of the packages that bring a module of another name, as pip knows them; for what is not installed here."""

ALIKE = {"opencv-python": ("opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")}

BROUGHT_BY_MLFLOW = ("mlflow-skinny", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy")
"""What `mlflow` depends on. What is installed here may be the smaller package."""

GIVEN = {"inference_schema", "azureml_inference_server_http", "azureml", "pip", "setuptools", "pkg_resources"}
"""Brought by the worker, or by every environment. `azureml` has no more in it than the API of score scripts."""

UNREADABLE = (OSError, ValueError, RecursionError, MemoryError)
"""What reading a file can bring besides SyntaxError: the last two for code that is nested too deeply for the parser."""


def main() -> None:
    """Do what is asked, and say what came of it."""
    asked = json.loads(sys.stdin.buffer.read())
    # What the script prints must not get between: the result has a descriptor of its own.
    with os.fdopen(3, "w", encoding="utf-8") as out:
        result = try_build(asked)
        out.write(json.dumps(result))
        out.flush()
        os._exit(0)  # threads of the script may go on


def try_build(asked: dict[str, Any]) -> dict[str, Any]:
    """Return `problem` and `place`, or `imports` that nothing brings, files that cannot be compiled, and `loaded`."""
    folder, script = asked["folder"], asked["script"]
    imports = Imports(folder)
    if "model" in asked:
        return try_model(asked, imports)
    bad = imports.read(script)
    if bad is not None:
        return {"problem": bad}
    packages = Packages(asked["requirements"])
    foreign = [found for found in imports.found if not packages.gives(found["name"])]
    result = {
        "unknown": [found for found in foreign if not found["optional"]],
        "absent": sorted({name for name in imports.needed() if not packages.is_installed(name)}),
        "uncompiled": sorted(uncompiled(folder)),
        "loaded": False,
    }
    unreachable = {found["name"] for found in result["unknown"]}
    if asked["mode"] == "parse" or [name for name in result["absent"] if name not in unreachable]:
        return result
    problem = load(asked, packages, imports)
    return {**result, "loaded": True} if problem is None else {**result, "problem": problem}


def try_model(asked: dict[str, Any], imports: Imports) -> dict[str, Any]:
    """Load a model in place of a script, where this machine has what that takes."""
    lines = asked["requirements"]
    if any(re.match(r"\s*mlflow\s*(?:[[=<>!~;]|$)", line) for line in lines):
        lines = [*lines, *BROUGHT_BY_MLFLOW]
    packages = Packages(lines)
    missing = missing_for_mlflow(packages)
    if missing is not None:
        return {"problem": f"an MLflow model is loaded with {missing}, which the list of packages does not bring"}
    absent = [name for name in ("mlflow", "pandas") if not packages.is_installed(name)]
    if absent:
        return {"absent": absent}
    if asked["mode"] == "parse":
        return {}
    try:
        open_model(asked, packages, imports)
    except BaseException as error:  # SystemExit as well
        chain = list(causes(error))
        lost = next((cause for cause in chain if isinstance(cause, ModuleNotFoundError)), None)
        top = ((lost and lost.name) or "").split(".")[0]
        if top and packages.gives(top):
            return {"absent": [top]}
        hint = "add the package that brings it to the list" if top else getattr(error, "hint", None)
        return {"problem": explain(lost or getattr(error, "error", error), hint, asked)}
    return {"loaded": True}


def missing_for_mlflow(packages: Packages) -> str | None:
    """Name what MLflow loads models with and the list does not bring: its smaller package brings no pandas."""
    if packages.unnamed or "mlflow" in packages.reached:
        return None
    if "mlflow-skinny" not in packages.reached:
        return "mlflow"
    return None if packages.gives("pandas") else "pandas"


def open_model(asked: dict[str, Any], packages: Packages, imports: Imports) -> None:
    """Load it as a worker does."""
    sys.path.insert(0, asked["worker"])
    from scorefn_worker.no_code import open_model as load_model
    from scorefn_worker.schemas import SchemaFinder

    del sys.path[0]
    sys.meta_path.insert(0, Hider(packages, imports, SchemaFinder()))
    load_model(asked["model"], strict=True)


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what led to it, each once."""
    seen: set[int] = set()
    todo: list[BaseException | None] = [error]
    while todo:
        found = todo.pop(0)
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        todo += [getattr(found, "error", None), found.__cause__, found.__context__]


def parse(path: str) -> ast.Module:
    """Read a file as Python does.

    Raises:
        SyntaxError: it is no Python.
        UNREADABLE: it cannot be read.
    """
    with open(path, "rb") as file:
        return ast.parse(file.read(), path)


class Imports:
    """What a script and the modules beside it import, without running them."""

    def __init__(self, folder: str) -> None:
        """Take the folder that is importable."""
        self.folder = folder
        self.found: list[dict[str, Any]] = []
        self._seen: set[str] = set()

    def needed(self) -> set[str]:
        """Name the modules that are imported unconditionally."""
        return {found["name"] for found in self.found if not found["optional"]}

    def read(self, path: str) -> str | None:
        """Read a file and those beside it that it imports; return what is wrong with one."""
        if path in self._seen:
            return None
        self._seen.add(path)
        shown = os.path.relpath(path, self.folder)
        try:
            tree = parse(path)
        except SyntaxError as error:
            return f"{shown}:{error.lineno}:{error.offset}: {error.msg}"
        except UNREADABLE as error:
            return f"{shown}: {type(error).__name__}: {error}"
        here = os.path.relpath(os.path.dirname(path), self.folder)
        package = [] if here == os.curdir else here.split(os.sep)
        for name, line, optional in imported(tree, package):
            local = self._local(name)
            for file in local:
                bad = self.read(file)
                if bad is not None:
                    return bad
            top = name.split(".")[0]
            if not local and top not in GIVEN and not is_standard(top) and not self.is_here(top):
                known = [found for found in self.found if found["name"] == top and found["optional"] <= optional]
                if not known:
                    self.found.append({"name": top, "file": shown, "line": line, "optional": optional})
        return None

    def is_here(self, top: str) -> bool:
        """Tell whether the folder has a module of that name."""
        place = os.path.join(self.folder, top)
        return os.path.isdir(place) or os.path.isfile(place + ".py") or bool(self._compiled(top))

    def _compiled(self, top: str) -> list[str]:
        names = os.listdir(self.folder)
        return [name for name in names if name.startswith(top + ".") and name.endswith((".so", ".pyd"))]

    def _local(self, name: str) -> list[str]:
        """Return the files that an import of `a.b` runs: a/__init__.py, and a/b.py or a/b/__init__.py."""
        files = []
        place = self.folder
        for part in name.split("."):
            place = os.path.join(place, part)
            files += [file for file in (place + ".py", os.path.join(place, "__init__.py")) if os.path.isfile(file)]
        return files


def imported(tree: ast.AST, package: list[str]) -> Iterator[tuple[str, int, bool]]:
    """Yield names of modules, the lines, and whether the code can do without them, as below `try`.

    Args:
        tree: A module.
        package: Folders that lead to it; relative imports begin there.
    """
    stack: list[tuple[ast.AST, bool]] = [(tree, False)]
    while stack:
        node, optional = stack.pop()
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno, optional
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            parts = above + (node.module.split(".") if node.module else [])
            for alias in node.names:
                yield ".".join([*parts, alias.name]), node.lineno, optional
        within = optional or isinstance(node, ast.Try) or is_type_checking(node)
        stack.extend((child, within) for child in ast.iter_child_nodes(node))


def is_type_checking(node: ast.AST) -> bool:
    """Tell `if TYPE_CHECKING:`, whose imports never run."""
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def is_standard(top: str) -> bool:
    """Tell modules of the standard library."""
    names = getattr(sys, "stdlib_module_names", None)
    if names is not None:
        return top in names
    import importlib.util  # Python 3.9
    import sysconfig

    spec = importlib.util.find_spec(top)
    origin = (spec and spec.origin) or ""
    folder = sysconfig.get_path("stdlib")
    return origin in ("built-in", "frozen") or (origin.startswith(folder) and "site-packages" not in origin)


def normal(name: str) -> str:
    """Spell a package's name as pip compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


class Packages:
    """The packages of a list, and what is installed here of them."""

    def __init__(self, lines: Sequence[str]) -> None:
        """Take the lines of the list."""
        import importlib.metadata as metadata

        self.unnamed = any(re.match(r"\s*(?:git\+|hg\+|https?:|--?[a-z-]*(?:find-links|f)\b)", line) for line in lines)
        """Whether some line does not tell the package's name."""
        names = (re.match(r"\s*([A-Za-z0-9][\w.-]*)", line) for line in lines)
        self.listed = {normal(found[1]) for found in names if found}
        self.bringing: dict[str, set[str]] = {}
        """Installed packages by the modules they have."""
        requires: dict[str, set[str]] = {}
        for distribution in metadata.distributions():
            name = normal(distribution.metadata["Name"] or "")
            for top in top_levels(distribution):
                self.bringing.setdefault(top, set()).add(name)
            needs = (re.match(r"[\w.-]+", line) for line in distribution.requires or ())
            requires[name] = {normal(need[0]) for need in needs if need}
        self.reached = set(self.listed)
        """Those of the list and what they need."""
        todo = list(self.listed)
        while todo:
            for need in requires.get(todo.pop(), ()):
                if need not in self.reached:
                    self.reached.add(need)
                    todo.append(need)

    def gives(self, top: str) -> bool:
        """Tell whether the list brings a module, as far as that can be known here."""
        if self.unnamed or self.bringing.get(top, set()) & self.reached:
            return True
        usual = normal(IMPORT_NAMES.get(top, top))
        # `google.cloud` and `azure.storage` belong to many packages.
        begins = any(name.startswith(usual + "-") for name in self.listed)
        return usual in self.reached or begins or any(name in self.reached for name in ALIKE.get(usual, ()))

    def is_installed(self, top: str) -> bool:
        """Tell whether a module is there."""
        import importlib.util

        try:
            return importlib.util.find_spec(top) is not None
        except (ImportError, ValueError):
            return False

    def hides(self, top: str) -> bool:
        """Tell whether a module is here only because of other packages."""
        return bool(self.bringing.get(top)) and not self.gives(top) and top not in GIVEN and not is_standard(top)


def top_levels(distribution: Any) -> set[str]:  # noqa: ANN401 - Python 3.9 has no name for it
    """Name the modules that an installed package has."""
    text = distribution.read_text("top_level.txt")
    if text:
        return set(text.split())
    tops = set()
    for file in distribution.files or ():
        if len(file.parts) > 1:
            tops.add(file.parts[0])
        elif file.suffix in (".py", ".so", ".pyd"):
            tops.add(file.name.split(".")[0])
    return {top for top in tops if top.isidentifier()}


class Hider:
    """Lets the script find only what its list of packages brings."""

    def __init__(self, packages: Packages, imports: Imports, worker_schemas: Any) -> None:  # noqa: ANN401 - a finder
        """Take what there is, what lies beside the script, and what finds the worker's own `inference_schema`."""
        self.packages = packages
        self.imports = imports
        self.worker_schemas = worker_schemas

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> Any:  # noqa: ANN401 - a ModuleSpec
        """Refuse what the cloud will not have; the worker's own `inference_schema` replaces a package not listed."""
        if fullname == "inference_schema" and not self.packages.gives(fullname):
            return self.worker_schemas.find_spec(fullname)
        if "." not in fullname and not self.imports.is_here(fullname) and self.packages.hides(fullname):
            raise ModuleNotFoundError(f"No module named '{fullname}'", name=fullname)
        return None


def load(asked: dict[str, Any], packages: Packages, imports: Imports) -> str | None:
    """Load the script, and run init() if that is asked for; return what went wrong."""
    sys.path.insert(0, asked["worker"])
    from scorefn_worker import replacements
    from scorefn_worker.failures import StartFailure
    from scorefn_worker.locate import UserFiles
    from scorefn_worker.protocol import Settings
    from scorefn_worker.schemas import SchemaFinder
    from scorefn_worker.script import begin_init, extend_import_path, load_script

    del sys.path[0]
    settings = Settings({"appRoot": asked["folder"], "entryScript": asked["script"]})
    files = UserFiles(settings.app_root, settings.entry_script, None)
    extend_import_path(settings)
    replacements.install()
    sys.meta_path.insert(0, Hider(packages, imports, SchemaFinder()))
    sys.argv[:] = [asked["script"]]
    try:
        script = load_script(settings, files)
        if asked["mode"] == "init":
            begun = begin_init(script)
            if begun is not None:
                import asyncio

                asyncio.run(finish(begun))
    except StartFailure as failure:
        return explain(failure.error, failure.hint, asked)
    except BaseException as error:  # SystemExit as well
        return explain(error, None, asked)
    return None


async def finish(begun: Any) -> None:  # noqa: ANN401 - whatever init() returns
    """Wait for an init() that is async."""
    await begun


def explain(error: BaseException, hint: str | None, asked: dict[str, Any]) -> str:
    """Word what the script did: where, what, and what to do."""
    folder = asked["folder"]
    cause = error
    seen = {id(cause)}
    # `raise error from error` makes a circle.
    while cause.__cause__ is not None and id(cause.__cause__) not in seen:
        cause = cause.__cause__
        seen.add(id(cause))
    place = f"{os.path.relpath(asked['script'], folder)}: "
    if isinstance(cause, SyntaxError) and cause.filename:
        place = f"{os.path.relpath(cause.filename, folder)}:{cause.lineno}: "
    trace = cause.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if os.path.abspath(file).startswith(folder + os.sep) and f"{os.sep}scorefn_worker{os.sep}" not in file:
            place = f"{os.path.relpath(file, folder)}:{trace.tb_lineno}: "
        trace = trace.tb_next
    # Wrappers of the worker's own say no more than their texts.
    name = type(cause).__name__
    name = "" if name.startswith("UserScript") else f"{name}: "
    message = f"{place}{name}{text_of(cause)}".replace(folder + os.sep, "")
    return message + (f" ({hint})" if hint else "")


def text_of(error: BaseException) -> str:
    """Return what an error says; its class may be the script's, and fail at that."""
    try:
        return str(error)
    except Exception:
        return "an error whose text cannot be had"


def uncompiled(folder: str) -> Iterator[str]:
    """Name the files that are no Python, such as exports of notebooks."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in ("model", "scorefn", "dist")]
        for path in (os.path.join(place, name) for name in names if name.endswith(".py")):
            try:
                parse(path)
            except (SyntaxError, *UNREADABLE):
                yield os.path.relpath(path, folder)


main()
