"""Extras: the packages beside torch and numpy, and the one sentence that is said where one of them is missing."""

import sys

from gradflow.errors import GradflowError

DISTRIBUTION = "gradflow-lab"  # its name on the package index, where gradflow is another project's
BASE = ("numpy", "torch")  # what is installed with it
# What comes with the extra `workflow`, by the names that the library imports it by.
WORKFLOW = (
    "PIL", "filelock", "jsonschema", "matplotlib", "mpld3", "nbconvert", "nbformat", "pandas", "papermill", "pyarrow",
    "pydantic", "requests", "scipy", "sklearn", "torchinfo", "tqdm", "yaml",
)  # fmt: skip
TOOLS = ("lightning",)  # a user's own, that a module of ours is made for


class MissingExtra:
    """A finder of modules that is asked last, when there is no such package, and says so to the library's own modules.

    It lies outside them, so that none has to look for its packages, and says nothing to the code of others.
    """

    @staticmethod
    def find_spec(name: str, path=None, target=None) -> None:
        """Raise GradflowError if a module of the library imports a package that is not installed."""
        wanted = DISTRIBUTION if name in BASE else f"{DISTRIBUTION}[workflow]" if name in WORKFLOW else None
        wanted = name if name in TOOLS else wanted
        if wanted and path is None and _importer().startswith(f"{__package__}."):
            raise GradflowError(f'{_importer()} needs {name}: pip install "{wanted}"')


def _importer() -> str:
    """Return the name of the module whose import statement is being carried out."""
    frame = sys._getframe(2)
    while frame and frame.f_code.co_filename.startswith("<frozen importlib._bootstrap"):
        frame = frame.f_back
    return frame.f_globals.get("__name__", "") if frame else ""
