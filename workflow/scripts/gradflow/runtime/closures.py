"""The closure of a module: its code and that of all it imports, in turn, within the library or a user's folder.

Code is what Python parses, without what only people read: comments, docstrings, the arguments of what is raised, and in
the training loop every text of three words or more.
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

LIBRARY = __name__.split(".")[0]
PROSE = re.compile(r"[^\W\d_]{2,}\W+[^\W\d_]{2,}\W+[^\W\d_]{2,}")  # no einsum's letters, no name of two words

Locate = Callable[[str], Path | None]  # the file of a module by its name; None for one that does not count


def closure(
    modules: Iterable[str],
    locate: Locate,
    home: dict[str, str],
    without: Iterable[str] = (),
    *,
    prose: bool = True,
    neutral: frozenset[str] = frozenset(),
    unset: frozenset[str] = frozenset(),
) -> dict[str, str]:
    """Return {module: its code} of modules, the packages above them and all that they import, as `locate` finds them.

    home: where the names that `from gradflow import ...` can name live, by name. without: modules that do not count,
    nor what only they import. prose: whether texts of three words or more count. neutral: a run's settings that came
    later and are neutral; of them unset: those that are false. What is there for them is left out.
    """
    pending, code = [part for module in modules for part in _with_packages(module)], {}
    while pending:
        module = pending.pop()
        path = locate(module)
        if module in code or module in without or path is None:
            continue
        code[module], imported = parse(path, prose, neutral, unset)
        pending += (found for name in imported for found in _meant(_absolute(name, module, path), home, locate))
    return code


def locate_in(root: Path, package: str = "") -> Locate:
    """Return a function that finds modules by name in a folder, whose own name is `package`, if it has one."""

    @cache
    def locate(module: str) -> Path | None:
        parts = module.split(".")
        if package:
            if parts[0] != package:
                return None
            parts = parts[1:]
        path = root.joinpath(*parts)
        candidates = (path / "__init__.py", path.with_name(f"{path.name}.py"))  # a package goes before a module
        return next((file for file in candidates if file.is_file()), None)

    return locate


@cache
def parse(
    path: Path, prose: bool = True, neutral: frozenset[str] = frozenset(), unset: frozenset[str] = frozenset()
) -> tuple[str, tuple[str, ...]]:
    """Return a file's code, and the names that it imports anywhere, with leading dots where they are relative."""
    unsaid = _Unsaid(prose)
    tree = unsaid.visit(ast.parse(path.read_text(encoding="utf-8")))
    return ast.dump(_WithoutSettings(neutral, unset).visit(tree) if neutral else tree), tuple(unsaid.imported)


class _Unsaid(ast.NodeTransformer):
    """Takes out of code what only people read, and gathers what is `imported`: one walk, as planning waits for it."""

    def __init__(self, prose: bool):
        self._prose, self.imported = prose, []

    def visit_Import(self, node: ast.Import) -> ast.AST:
        self.imported += (alias.name for alias in node.names)
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        self.imported += _taken(node)
        return node

    def visit(self, node: ast.AST) -> ast.AST:
        documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        if isinstance(node, documented) and ast.get_docstring(node, clean=False):
            node.body = node.body[1:]
        return super().visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        if isinstance(node.exc, ast.Call):
            node.exc.args, node.exc.keywords = [], []
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id.endswith("Error"):  # made here, to be raised elsewhere
            node.args, node.keywords = [], []
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        said = not self._prose and isinstance(node.value, str) and PROSE.search(node.value)
        return ast.Constant("") if said else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        said = " ".join(part.value for part in node.values if isinstance(part, ast.Constant))
        if not self._prose and PROSE.search(said):
            node.values = [part for part in node.values if not isinstance(part, ast.Constant)]
        return self.generic_visit(node)


class _WithoutSettings(ast.NodeTransformer):
    """Takes out of code what is there for a run's settings that came later and are not set, and so changes nothing.

    That is their own fields, the bodies of `if run.setting:`, and arguments passed on as `f(x, name=run.setting)`.
    """

    def __init__(self, neutral: frozenset[str], unset: frozenset[str]):
        self._neutral, self._unset = neutral, unset

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        later = isinstance(node.value, ast.Call) and any(word.arg == "metadata" for word in node.value.keywords)
        return None if later and isinstance(node.target, ast.Name) and node.target.id in self._neutral else node

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.AST]:
        node = self.generic_visit(node)
        return node.orelse if self._is_unset(node.test) else node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        node = self.generic_visit(node)
        return node.orelse if self._is_unset(node.test) else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        node.keywords = [word for word in node.keywords if _setting(word.value) not in self._neutral]
        return self.generic_visit(node)

    def _is_unset(self, test: ast.AST) -> bool:
        return _setting(test) in self._unset


def _setting(node: ast.AST) -> str | None:
    """The name of the setting that `run.name` reads; None for other code."""
    named = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "run"
    return node.attr if named else None


def _taken(node: ast.ImportFrom) -> Iterator[str]:
    """Yield what `from ... import ...` takes, and the module that it takes it from."""
    base = "." * node.level + (node.module or "")
    between = "" if base.endswith(".") else "."
    names = [alias.name for alias in node.names]
    if names == ["*"] or (node.module and base != LIBRARY):  # packages are found by what is taken from them
        yield base
    yield from (f"{base}{between}{name}" for name in names)


def _absolute(name: str, module: str, path: Path) -> str:
    """Return the full name of what a module imports."""
    level = len(name) - len(name.lstrip("."))
    if not level:
        return name
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    return ".".join([*package[: len(package) - level + 1], *filter(None, [name[level:]])])


def _with_packages(module: str) -> list[str]:
    """A module and the packages above it, whose own code runs first."""
    parts = module.split(".")
    return [".".join(parts[: end + 1]) for end in range(len(parts)) if parts[: end + 1] != [LIBRARY]]


def _meant(name: str, home: dict[str, str], locate: Locate) -> Iterator[str]:
    """Yield the modules that a name may stand for: it, the packages above it, and where a public name lives."""
    parts = name.split(".")
    yield from _with_packages(name)
    if name == LIBRARY:  # it may be any of them, by attribute or by its bare name
        yield from (f"{LIBRARY}.{module}" for module in home.values())
    elif parts[0] == LIBRARY and parts[1] in home:
        yield f"{LIBRARY}.{home[parts[1]]}"
    elif parts[0] == LIBRARY and locate(".".join(parts[:2])) is None:
        yield LIBRARY  # a name of its own
