"""Builders by what names them: "package.module:function", or "path/to/file.py:function" for a user's own file."""

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

from gradflow.errors import GradflowError

_FOLDERS: set[Path] = set()  # of user's files loaded so far


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
        raise GradflowError(f"builder: {path} does not exist; a relative path counts from the folder you start in.")
    _enter(path.parent)
    return _execute(path)


@cache
def _execute(path: Path):
    name = f"gradflow_user_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)  # as dataclasses look for it there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _enter(folder: Path) -> None:
    """Let a user's folder, and none that was entered before, be the first on the path and answer for its names."""
    others = [other for other in _FOLDERS if other != folder]
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and not name.startswith("gradflow") and any(Path(file).is_relative_to(other) for other in others):
            del sys.modules[name]
    sys.path[:] = [str(folder), *(entry for entry in sys.path if Path(entry) not in _FOLDERS)]
    _FOLDERS.add(folder)
