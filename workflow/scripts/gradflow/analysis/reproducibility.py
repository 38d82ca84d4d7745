"""Whether finished runs come out again: some, drawn at random, are trained anew and compared number by number."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gradflow.errors import GradflowError
from gradflow.recorder.quantities import NAMES
from gradflow.runs import Run
from gradflow.training import result as results
from gradflow.training.result import CLIPPING, PER_EPOCH, PER_STEP, Result, spoilt

if TYPE_CHECKING:  # every start of Snakemake reads this module, and pandas takes a while to import
    import pandas as pd

COLUMNS = ("run", "outcome", "largest_relative_difference", "array", "where", "differs", "made_otherwise", "fault")


def draw(finished: Iterable[str], runs: int, seed: int) -> list[str]:
    """Return so many of the finished runs, or all if there are no more, drawn with a random seed."""
    known = sorted(finished)
    return sorted(random.Random(seed).sample(known, min(runs, len(known))))


def recipe(path: Path) -> dict:
    """Return `settings`, `dataset_fingerprint` and `memory_format` of the run of results/runs/<run>/norms.npz.

    Raises GradflowError if the file is damaged, or does not say how to make it again.
    """
    meta = results.read_result(path).meta
    missing = [key for key in ("settings", "dataset_fingerprint", "code_fingerprint") if not meta.get(key)]
    if missing:
        raise spoilt(f"{path} does not say its {missing[0]}, so it cannot be recomputed")
    try:
        run = Run(**meta["settings"])
    except TypeError as error:
        raise spoilt(f"{path} has settings that this gradflow does not know ({error})") from error
    if run.id != Path(path).parent.name:
        raise spoilt(f"{path} holds another run, {run.id}")
    return {key: meta[key] for key in ("settings", "dataset_fingerprint")} | {"memory_format": _memory_format(meta)}


def whole(path: Path) -> bool:
    """Tell whether a result can be read and recomputed."""
    return _damage(path) is None


def verify(finished: dict[str, Path], drawn: Iterable[str], again: dict[str, Path]) -> pd.DataFrame:
    """Return a row of COLUMNS for every drawn run, and one for every other finished run whose file is damaged.

    finished, again: files of results by run, as they were found and as they were recomputed.
    outcome: identical (every byte of every array, and the meta data), different, or damaged.
    """
    rows = []
    for run, path in sorted(finished.items()):
        fault = _damage(path)
        if fault:
            rows.append({"outcome": "damaged", "fault": fault, "run": run})
        elif run in drawn:
            rows.append(compare_results(results.read_result(path), results.read_result(again[run])) | {"run": run})
    import pandas as pd

    return pd.DataFrame(rows, columns=COLUMNS)


def compare_results(original: Result, again: Result) -> dict:
    """Return outcome, largest_relative_difference, array, where, differs, made_otherwise of two results of one run.

    Numbers are compared one by one, |b − a| / |a|; those of an array that has negative ones, such as weights, to the
    largest |a| in it. `differs` names what must agree and does not: shapes, integers, text, the places of NaN and Inf,
    meta data. `made_otherwise` says what is known to have been different when the two were made.
    """
    largest, array, where, differs, identical = 0.0, "", "", [], True
    for name in sorted(original.arrays | again.arrays):
        a, b = original.arrays.get(name), again.arrays.get(name)
        fault = _disagreement(a, b)
        if fault:
            differs.append(f"{name} {fault}")
        elif a.tobytes() != b.tobytes():
            identical = False
            relative = relative_differences(a, b)
            if relative.max() > largest:
                index = np.unravel_index(relative.argmax(), relative.shape)
                largest, array = float(relative[index]), name
                where = f"{_place(original, name, index)}: {a[index]:.9g}, now {b[index]:.9g}"
    differs += [f"meta {change}" for change in _changes(_science(original), _science(again))]
    return {
        "outcome": "identical" if identical and not differs else "different",
        "largest_relative_difference": largest,
        "array": array,
        "where": where,
        "differs": "; ".join(differs),
        "made_otherwise": "; ".join(_changes(_made_by(original), _made_by(again))),
    }


def relative_differences(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return each pair's difference, relative to a as `compare_results` says; 0 where both are NaN or Inf."""
    a, b = a.astype(float), b.astype(float)
    finite = np.isfinite(a)
    size = np.abs(a) if not (a[finite] < 0).any() else np.abs(a[finite]).max()
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(finite & (a != b), np.abs(b - a) / size, 0.0)


def verification_summary(table: pd.DataFrame, finished: int) -> str:
    """Say what a table of `verify` found, given how many runs have finished."""
    compared = table[table["outcome"] != "damaged"]
    same = int((compared["outcome"] == "identical").sum())
    lead = f"{len(compared)} of {finished} runs recomputed: "
    if same == len(compared):
        lines = [lead + "identical bytes" if same else lead.rstrip(": ")]
    else:
        worst = compared.loc[compared["largest_relative_difference"].astype(float).idxmax()]
        size = worst["largest_relative_difference"]
        most = f"largest relative difference {size:.1e} in {worst['array']} of {worst['run']} ({worst['where']})"
        lines = [f"{lead}{f'{same} identical, ' if same else ''}{most if size else 'no number differs'}"]
    lines += [f"{row.run}: {row.differs}" for row in compared.itertuples() if row.differs]
    lines += [f"made otherwise: {facts} ({count} of them)" for facts, count in _counts(compared["made_otherwise"])]
    return "\n".join([*lines, *table["fault"].dropna()]) + "\n"


def _damage(path: Path) -> str | None:
    try:
        recipe(path)
    except GradflowError as error:
        return str(error)
    return None


def _disagreement(a: np.ndarray | None, b: np.ndarray | None) -> str | None:
    """Say how two arrays disagree where no difference can be taken, or None."""
    if a is None or b is None:
        return "is in one of the two alone"
    if a.shape != b.shape or a.dtype != b.dtype:
        return f"was {a.dtype} {list(a.shape)}, now {b.dtype} {list(b.shape)}"
    if a.dtype.kind != "f":
        return None if np.array_equal(a, b) else f"has {int((a != b).sum())} of {a.size} values that differ"
    odd = ~(np.isfinite(a) & np.isfinite(b))
    return None if np.array_equal(a[odd], b[odd], equal_nan=True) else "has NaN or Inf in other places"


def _place(result: Result, name: str, index: tuple) -> str:
    if name in NAMES:
        return f"step {result['step'][index[0]]}, {result['layer_name'][index[1]]}"
    if name in (*PER_STEP, *CLIPPING):
        return f"step {result['step'][index[0]]}"
    return f"epoch {index[0] + 1}" if name in PER_EPOCH else str([int(i) for i in index])


def _memory_format(meta: dict) -> str:
    """Return the format that a result was made in; before it was said it was always this one."""
    return meta.get("memory_format", "contiguous")


def _science(result: Result) -> dict:
    """Return the meta data that must agree."""
    said = {key: value for key, value in result.meta.items() if key != "code_fingerprint"}
    return said | {"memory_format": _memory_format(said)}


def _made_by(result: Result) -> dict:
    """Return the facts that may change bytes: code, device, threads, versions."""
    facts = {key: result.provenance.get(key) for key in ("device", "processor", "threads")}
    return {"code": result.meta.get("code_fingerprint")} | facts | result.provenance.get("versions", {})


def _changes(a: dict, b: dict) -> list[str]:
    return [f"{key} was {a.get(key)}, now {b.get(key)}" for key in a | b if a.get(key) != b.get(key)]


def _counts(texts: pd.Series) -> list[tuple[str, int]]:
    return list(texts[texts != ""].value_counts().items())
