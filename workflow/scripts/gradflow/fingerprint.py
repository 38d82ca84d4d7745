"""Fingerprints of code: what a result depends on, without comments, docstrings or layout.

Snakemake reruns a job when a parameter changes, but does not see the modules that a script imports. A rule that takes
`code_fingerprint("gradflow.training")` as a parameter reruns when, and only when, that code says something else. It is
compared as Python parses it, so another Python version counts as other code.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent


def code_fingerprint(*modules: str) -> str:
    """Return 12 hex digits over the named modules of gradflow and all of gradflow that they import, in turn."""
    pending, seen = list(modules), {}
    while pending:
        module = pending.pop()
        if module not in seen:
            seen[module], imported = _parse(module)
            pending += imported
    text = "\n".join(f"{name}\n{seen[name]}" for name in sorted(seen))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@cache
def _parse(module: str) -> tuple[str, tuple[str, ...]]:
    path = _path(module)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node, clean=False
        ):
            node.body = node.body[1:]
    return ast.dump(tree), tuple(_imported(tree))


def _imported(tree: ast.AST) -> list[str]:
    """Return the gradflow modules that a module imports, at its top or inside its functions."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name for name in names if name.startswith("gradflow.") and _path(name).exists()]


def _path(module: str) -> Path:
    path = ROOT.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
