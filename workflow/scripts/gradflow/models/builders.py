"""Builders by what names them: "package.module:function", or "path/to/file.py:function" for a user's own file."""

import importlib
import importlib.util
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

from gradflow.errors import GradflowError

_FOLDERS: dict[Path, set[str]] = {}  # of user's files loaded so far, and the modules that came from there


def split(builder: str) -> tuple[str, str]:
    """Return the module or file of a builder, and its function. Raises GradflowError for another form."""
    where, colon, function = builder.rpartition(":")
    if not colon or not where or not function.isidentifier():
        raise GradflowError(
            f"builder: {builder!r} does not name a function; write package.module:function or path/to/file.py:function."
        )
    return where, function


def is_file(where: str) -> bool:
    """Tell whether a builder lies in a file of the user's own, and not in an importable module."""
    return where.endswith(".py")


def load_builder(builder: str | Callable) -> Callable:
    """Return the function that a builder's name stands for; a function is returned as it is.

    The folder of a user's file is the first on `sys.path` while its network is built, as if the file were run, so that
    it finds its neighbours; modules of another user's folder do not answer for them.

    Raises GradflowError if there is no such file, module or function, or it cannot be imported.
    """
    if callable(builder):
        return builder
    where, function = split(builder)
    try:
        module = _load_file(Path(where).expanduser().absolute()) if is_file(where) else importlib.import_module(where)
    except GradflowError:
        raise
    except Exception as error:  # other people's code fails in any way
        raise GradflowError(f"builder: {where} cannot be imported ({type(error).__name__}: {error}).") from error
    found = getattr(module, function, None)
    if not callable(found):
        raise GradflowError(f"builder: {where} has no function {function!r}.")
    return found


def _load_file(path: Path):
    if not path.is_file():
        raise GradflowError(f"builder: {path} does not exist; give its path from the folder that snakemake runs in.")
    _enter(path.parent)
    before = set(sys.modules)
    module = _execute(path)
    _FOLDERS[path.parent] |= {name for name in set(sys.modules) - before if _lies_in(name, path.parent)}
    return module


@cache
def _execute(path: Path):
    spec = importlib.util.spec_from_file_location(f"gradflow_user_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _enter(folder: Path) -> None:
    """Let a user's folder, and none that was entered before, be the first on the path."""
    for other in _FOLDERS:
        if other != folder:
            for name in _FOLDERS[other]:
                sys.modules.pop(name, None)
    sys.path[:] = [str(folder), *(entry for entry in sys.path if entry not in map(str, _FOLDERS))]
    _FOLDERS.setdefault(folder, set())


def _lies_in(name: str, folder: Path) -> bool:
    file = getattr(sys.modules.get(name), "__file__", None)
    return file is not None and Path(file).is_relative_to(folder)
