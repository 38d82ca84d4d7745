"""Figures: one file each, which has the figure's name, and a caption, report/captions/<name>.rst.

A file has one function with the decorator @report_figure, and is found by being there. The names of the function's
arguments say what the figure is drawn from: what gradflow.report.given reads, by name, and SETTINGS. What several
figures share is in style.py, the one style of all, and in files whose names begin with an underscore.
"""

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from string import Formatter
from typing import NamedTuple

from gradflow.errors import GradflowError
from gradflow.folders import file_of, modules

GIVEN = "gradflow.report.given"
# What a picture is of; a figure is of one of them. The settings that go with each beside it: the layers that a study
# draws on their own, by architecture; the verdict's thresholds; the width of random MLPs.
SUBJECTS = {
    "study": ("results", "layers", "thresholds"),
    "random_mlps": ("width", "thresholds"),
    "notebook_004": (),
    "depth_at_init": (),
    "initial_survey": (),
    "alignment": (),
    "trainable_depth": (),
    "log_norm_variance": (),
    "residual_by_width": (),
}
SETTINGS = ("layers", "thresholds", "width")


class FigureKind(NamedTuple):
    """A kind of figure, before any is drawn.

    function: its name; arguments: what it is given. title: in the report; "{width}" in it stands for that setting.
    formats: of the files of each picture; the report shows the first. category: of the report, in which it stands; with
    None it is a file alone. studies: those of which the report has it, if not of all. epochs: of which it is drawn for
    studies of so many epochs or more alone.
    """

    module: str
    function: str
    arguments: tuple[str, ...]
    title: str
    formats: tuple[str, str] = ("png", "svg")
    category: str | None = "appendix"
    studies: tuple[str, ...] = ()
    epochs: int = 0

    @property
    def name(self) -> str:
        """The name of its file, of its pictures and of its caption."""
        return self.module.rpartition(".")[2]

    @property
    def read(self) -> list[str]:
        """The arguments that are read from files."""
        return [name for name in self.arguments if name not in SETTINGS]

    @property
    def code(self) -> list[str]:
        """The modules that a picture depends on, with all they import."""
        return [self.module, *(f"{GIVEN}.{name}" for name in self.read)]

    def draw(self, files: Mapping[str, list[Path]], settings: dict):
        """Return one picture, a matplotlib Figure or what has a method `save`; files and settings are as in `write`."""
        given = {name: import_module(f"{GIVEN}.{name}").read(files[name], settings) for name in self.read}
        given |= {name: settings[name] for name in self.arguments if name in SETTINGS}
        return getattr(import_module(self.module), self.function)(**given)

    def write(
        self, paths: Sequence[Path], files: Mapping[str, list[Path]], settings: dict, width: float = math.inf
    ) -> None:
        """Draw one picture in the house style, and write it once a format.

        files: what each argument is read from, by its name. settings: those that it takes, and which study it is of.
        width: in inches, of the column of a journal that it is for (`gradflow.report.figures._width`).
        Raises what goes wrong, a GradflowError or else a RuntimeError, with the picture's name.
        """
        from gradflow.report.figures.style import drawing, save_figure

        said = f"the figure {Path(paths[0]).stem} of {Path(paths[0]).parent.name} was not drawn"
        try:
            with drawing(width):
                drawn = self.draw(files, settings)
                if hasattr(drawn, "save"):
                    drawn.save(*paths)
                elif math.isinf(width):
                    save_figure(drawn, *paths)
                else:
                    from gradflow.report.figures._width import fit

                    save_figure(drawn, *paths, title=fit(drawn, width))
        except GradflowError as error:
            raise GradflowError(f"{said}: {error}") from error
        except Exception as error:
            raise RuntimeError(f"{said}: {type(error).__name__}: {error}") from error


def report_figure(
    title: str,
    formats: tuple[str, str] = ("png", "svg"),
    category: str | None = "appendix",
    studies: tuple[str, ...] = (),
    epochs: int = 0,
) -> Callable[[Callable], Callable]:
    """Mark the function that draws the figure of its file: it returns a matplotlib Figure.

    What it returns for other formats has a method `save(*paths)`. The report has those of a category alone, and there,
    if studies are named, theirs. It is drawn for studies of so many epochs, or more.
    """
    return lambda function: function


@cache
def figures() -> dict[str, FigureKind]:
    """Return the kinds of figures by name.

    The decorators are read, not run: a plan that had to import matplotlib would take a second longer.

    Raises GradflowError for a file that has not one figure, or one that says it in another way.
    """
    names = [module.rpartition(".")[2] for module in modules(__name__)]
    return {name: _figure_of(f"{__name__}.{name}") for name in names if name != "style" and not name.startswith("_")}


def _figure_of(module: str) -> FigureKind:
    """Return the figure that a file has."""
    file = file_of(module)
    try:
        marked = list(_marked(ast.parse(file.read_text(encoding="utf-8"))))
    except SyntaxError as error:
        raise GradflowError(
            f"{file}: line {error.lineno} is no Python ({error.msg}): mend it, or take it away."
        ) from None
    if len(marked) != 1:
        raise GradflowError(
            f"{file}: {len(marked)} functions have @report_figure, and a file has one figure: give each a file of its "
            "own, and what several share one whose name begins with an underscore."
        )
    function, call = marked[0]
    try:
        said = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
        arguments = tuple(argument.arg for argument in function.args.args)
        kind = FigureKind(module, function.name, arguments, *map(ast.literal_eval, call.args), **said)
    except (ValueError, TypeError):
        raise GradflowError(f"{file}: @report_figure of {function.name} must be given a title as plain text.") from None
    subjects = [name for name in SUBJECTS if name in arguments]
    known = [*subjects[:1], *(SUBJECTS[subjects[0]] if subjects else ())]
    unknown = [name for name in arguments if name not in known]
    if unknown or not subjects:
        asked = f"asks for {unknown[0]!r}" if unknown else "asks for nothing"
        may = [f"{name} (with {', '.join(beside)})" if beside else name for name, beside in SUBJECTS.items()]
        raise GradflowError(f"{file}: {function.name} {asked}; a figure is of one of {', '.join(may)}.")
    wildcards = {field for _, field, *_ in Formatter().parse(kind.title) if field is not None} - {*arguments}
    if wildcards:
        raise GradflowError(f"{file}: the title of {function.name} has {{{min(wildcards)}}}, which it is not given.")
    return kind


def _marked(tree: ast.Module):
    """Yield (function, call of the decorator) of the functions that are marked."""
    for node in tree.body:
        for call in getattr(node, "decorator_list", []):
            if isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] == "report_figure":
                yield node, call
