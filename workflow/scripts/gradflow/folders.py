"""What is found in a folder of the library: one file each, and no list that names them."""

import pkgutil
from importlib import import_module
from pathlib import Path

from gradflow.errors import GradflowError

ROOT = Path(__file__).parent


def modules(package: str) -> list[str]:
    """Return the modules in the folder of a package of gradflow, in the order of their names; none is imported."""
    folder = ROOT.joinpath(*package.split(".")[1:])
    return [f"{package}.{module.name}" for module in pkgutil.iter_modules([str(folder)])]


def file_of(module: str) -> Path:
    """Return the file of a module that is no package."""
    return ROOT.joinpath(*module.split(".")[1:]).with_suffix(".py")


def found_in(package: str, name: str) -> dict[str, object]:
    """Return {file: what it defines as `name`} of every file in the folder of a package.

    Raises GradflowError for a file that does not define it, or cannot be imported.
    """
    return {module.rpartition(".")[2]: defined(module, name) for module in modules(package)}


def defined(module: str, name: str) -> object:
    """Return what a module defines as `name`. Raises GradflowError if it does not, or cannot be imported."""
    try:
        return getattr(import_module(module), name)
    except (AttributeError, ImportError, SyntaxError) as error:
        raise GradflowError(
            f"{file_of(module)}: {error}; each file of its folder must define {name}: mend it, or take it away."
        ) from error
