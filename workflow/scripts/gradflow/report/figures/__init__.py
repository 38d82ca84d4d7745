"""Figures: tidy tables in, a matplotlib Figure out. gradflow.report.figures.style is their one style.

A figure that every study has is a function of this folder with the decorator @study_figure; it is found by being there.
"""

import ast
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from gradflow.errors import GradflowError
from gradflow.folders import file_of, modules
from gradflow.training.result import Result, read_result


class Results(dict):
    """{run id: result}, each read from its file when it is first asked for."""

    def __init__(self, files: dict[str, Path]):
        super().__init__()
        self._files = files

    def __missing__(self, run: str) -> Result:
        """Read a result."""
        self[run] = read_result(self._files[run])
        return self[run]


class Context(NamedTuple):
    """What a study's figures are drawn from beside its tables.

    layers: those to draw on their own, by architecture. thresholds: of the verdict. results: of the study's runs.
    """

    layers: dict[str, list[str]]
    thresholds: dict[str, float]
    results: Results


class StudyFigure(NamedTuple):
    """A figure that every study has: the function that draws it, the name of its files and its caption, its title."""

    module: str
    function: str
    name: str
    title: str

    def draw(self, study, context: Context):
        """Return the figure of a study."""
        return getattr(import_module(self.module), self.function)(study, context)


def study_figure(name: str, title: str) -> Callable[[Callable], Callable]:
    """Mark a function from (study tables, Context) to a Figure as a figure that every study has.

    It is drawn into results/figures/<study>/<name>.png and .svg; its caption is report/captions/<name>.rst.
    """
    return lambda function: function


@cache
def study_figures() -> dict[str, StudyFigure]:
    """Return the figures that every study has, by name.

    The decorators are read, not run: a plan that had to import matplotlib would take a second longer.

    Raises GradflowError for a decorator that is not given a name and a title as plain text, and a name that is taken.
    """
    figures: dict[str, StudyFigure] = {}
    for module in modules(__name__):
        for function, call in _marked(ast.parse(file_of(module).read_text(encoding="utf-8"))):
            try:
                given = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
                figure = StudyFigure(module, function, *map(ast.literal_eval, call.args), **given)
            except (ValueError, TypeError):
                raise GradflowError(
                    f"{file_of(module)}: @study_figure of {function} must be given a name and a title as plain text."
                ) from None
            if figure.name in figures:
                raise GradflowError(
                    f"{file_of(module)}: the figure {figure.name!r} is there twice, also in "
                    f"{figures[figure.name].module}; give one of them another name."
                )
            figures[figure.name] = figure
    return figures


def _marked(tree: ast.Module) -> list[tuple[str, ast.Call]]:
    """Return (function, call of the decorator) of the functions that are marked."""
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    calls = [(node.name, call) for node in functions for call in node.decorator_list if isinstance(call, ast.Call)]
    return [(name, call) for name, call in calls if ast.unparse(call.func).endswith("study_figure")]
