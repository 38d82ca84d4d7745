"""The tables of one study, with each run's arm and label joined on: what figures and prose start from."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import pandas as pd

from gradflow.analysis.profiles import decades_table, has_end
from gradflow.analysis.schemas import SETTINGS
from gradflow.analysis.statistics import Estimate, estimate_mean
from gradflow.analysis.tables import empty_table, files_of, read_table
from gradflow.errors import GradflowError
from gradflow.labels import SHOWN_PHASES
from gradflow.propagation.profile import decades_per_layer
from gradflow.recorder.quantities import with_derived


@dataclass(frozen=True)
class StudyTables:
    """Tables as in gradflow.analysis.schemas, restricted to a study; each has the columns arm and label as well.

    A table's rows come in the order of the arms. `arms` has one row a run, with its architecture. `seeds` says of every
    run in `profiles` its label, its random seed and the look that it came with: at init there are more of them than are
    trained (`gradflow.propagation.first_backward`), whose look is 0. `theory` and `theory_layers` have a row for an arm
    and random seed, or a layer of it; none where nothing was explained.
    """

    name: str
    title: str
    arms: pd.DataFrame
    profiles: pd.DataFrame
    layers: pd.DataFrame
    epochs: pd.DataFrame
    runs: pd.DataFrame
    seeds: pd.DataFrame
    theory: pd.DataFrame
    theory_layers: pd.DataFrame
    folder: Path

    def until(self, look: int) -> "StudyTables":
        """Return the study as it was at a look: what is taken by random seed is of the runs that were there."""
        return replace(self, seeds=self.seeds[self.seeds["look"] <= look])

    @property
    def labels(self) -> list[str]:
        """The arms' labels in their order."""
        return list(dict.fromkeys(self.arms["label"]))

    @property
    def per_run(self) -> pd.DataFrame:
        """The summary of each run, indexed by run."""
        return self.runs.drop_duplicates("run").set_index("run")

    def layer_names(self, label: str) -> list[str]:
        """Return the layers of an arm that ran, in forward order."""
        table = self.profiles[(self.profiles["label"] == label) & (self.profiles["depth"] >= 0)]
        return list(table.drop_duplicates("layer").sort_values("depth")["layer"])

    def beside(self, label: str) -> set[str]:
        """Return the layers of an arm that run beside its main path, such as projections beside residual blocks."""
        return set(json.loads(self.arms.loc[self.arms["label"] == label, "beside"].iloc[0]))

    def on_main_path(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of a table with label, layer and depth whose layer ran, on its arm's main path."""
        beside = {label: self.beside(label) for label in self.labels}
        ran = table[table["depth"] >= 0]
        return ran.loc[[layer not in beside[label] for label, layer in zip(ran["label"], ran["layer"])]]

    @property
    def settings(self) -> list[str]:
        """The columns of `runs` that are settings of a run, its random seed aside."""
        return [name for name in SETTINGS if name != "seed"]

    def named_layers(self, label: str, named: dict[str, list[str]]) -> list[str]:
        """Return the layers to draw on their own: those named for the arm's architecture, else first, middle, last."""
        names = self.layer_names(label)
        chosen = [layer for layer in named.get(self.architecture(label), []) if layer in names]
        return chosen or [names[i] for i in sorted({0, len(names) // 2, len(names) - 1})]

    def architecture(self, label: str) -> str:
        """Return the architecture of an arm."""
        return self.arms.loc[self.arms["label"] == label, "architecture"].iloc[0]

    def colour(self, label: str) -> str:
        """Return the colour of an arm's architecture."""
        return self.arms.loc[self.arms["label"] == label, "colour"].iloc[0]

    def decades(
        self, quantity: str = "grad_sample_norm", phases: Iterable[str] = SHOWN_PHASES
    ) -> dict[tuple[str, str], Estimate]:
        """Return {(arm label, phase): decades of the first layer over the last, with the interval over seeds}."""
        values = {phase: self.per_arm(self.run_decades(quantity, phase)) for phase in phases}
        return {(label, phase): values[phase][label] for label in self.labels for phase in phases}

    def no_end(self, label: str) -> str:
        """Say how many of an arm's runs have no end, and why: "stalled: no end", "1 of 3 diverged: no end"; or ""."""
        statuses = list(self.runs.loc[self.runs["label"] == label, "status"])
        counts = {status: statuses.count(status) for status in dict.fromkeys(statuses) if not has_end(status)}
        every = len(statuses)
        said = [status if count == every else f"{count} of {every} {status}" for status, count in counts.items()]
        return f"{', '.join(said)}: no end" if said else ""

    def run_decades(self, quantity: str, phase: str) -> pd.Series:
        """Return each run's decades at a phase, indexed by run."""
        table = self.profiles[(self.profiles["quantity"] == quantity) & (self.profiles["phase"] == phase)]
        return decades_table(table).set_index("run")["decades"]

    def run_slopes(self, quantity: str, phase: str) -> pd.Series:
        """Return each run's decades per layer at a phase (`propagation.profile.decades_per_layer`), indexed by run."""
        table = self.profiles[(self.profiles["quantity"] == quantity) & (self.profiles["phase"] == phase)]
        used = self.on_main_path(table).sort_values("depth")
        return used.groupby("run")["value"].apply(decades_per_layer)

    def by_seed(self, values: pd.Series, label: str) -> pd.Series:
        """Return an arm's values by random seed; values: indexed by run.

        A run without a value (a phase that it never reached) is left out, a NaN is kept.
        """
        mine = self.seeds[(self.seeds["label"] == label) & self.seeds["run"].isin(values.index)]
        return pd.Series(values.reindex(mine["run"]).to_numpy(dtype=float), index=mine["seed"])

    def per_arm(self, values: pd.Series) -> dict[str, Estimate]:
        """Return {arm label: a value's interval over seeds}; values: indexed by run."""
        return {label: estimate_mean(self.by_seed(values, label)) for label in self.labels}

    def norms(self, label: str, quantity: str, layers: list[str]) -> pd.DataFrame:
        """Return every step's values of some layers of an arm, all seeds: columns run, epoch, step, layer, value."""
        runs = list(self.arms.loc[self.arms["label"] == label, "run"])
        wanted = [("run", "in", runs), ("layer", "in", layers)]
        table = read_table(self.folder, "norms", ["run", "epoch", "step", "layer", quantity], wanted)
        return table.rename(columns={quantity: "value"})


def read_study(folder: Path, study: str) -> StudyTables:
    """Read the tables of a study from their folder.

    Raises GradflowError if a table is missing, the study has no runs in them, or one of its runs is not in all of them.
    """
    folder = Path(folder)
    arms = read_table(folder, "arms", filters=[("study", "==", study)])
    if arms.empty:
        raise GradflowError(
            f"{folder} holds no runs of the study {study!r}: select it in the config and run the workflow."
        )
    read = {name: _rows_of(arms["run"], folder, name) for name in ("profiles", "layers", "epochs", "runs")}
    for name in read:
        absent = set(arms["run"]) - set(read[name]["run"])
        if absent:
            raise GradflowError(f"{folder}: {name} lacks the run {min(absent)}: run the workflow again.")
    arms = arms.merge(read["runs"][["run", "architecture"]], on="run", how="left")
    joined = {
        name: arms[["run", "arm", "label"]].merge(read[name], on="run").sort_values("arm", kind="stable")
        for name in read
    }
    joined["profiles"], seeds = _with_first_backward(joined["profiles"], arms, folder)
    theory = {name: _of_starts(arms, folder, name) for name in ("theory", "theory_layers")}
    return StudyTables(study, arms["title"].iloc[0], arms, **joined, seeds=seeds, **theory, folder=folder)


def _of_starts(arms: pd.DataFrame, folder: Path, name: str) -> pd.DataFrame:
    """The rows of a table that are about the arms' starts, with their labels."""
    there = any((folder / file).exists() for file in files_of(name))
    table = _whole_table(folder, name) if there else empty_table(name)
    return arms.drop_duplicates("label")[["arm", "label", "start"]].merge(table, on="start")


def _rows_of(runs: pd.Series, folder: Path, name: str) -> pd.DataFrame:
    """The rows of some runs in a table."""
    table = _whole_table(folder, name)
    return table[table["run"].isin(runs)]


def _whole_table(folder: Path, name: str) -> pd.DataFrame:
    """A table, read once for all studies while its file stays as it is; it is not to be changed."""
    path = folder / files_of(name)[0]
    return _read_once(folder, name, path.stat().st_mtime_ns if path.exists() else None)


@lru_cache(maxsize=10)
def _read_once(folder: Path, name: str, written: int | None) -> pd.DataFrame:
    return read_table(folder, name)


def _with_first_backward(profiles: pd.DataFrame, arms: pd.DataFrame, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Take the profiles at init from more random seeds, where they were measured; return them, and whose they are."""
    seeds = arms[["label", "run", "seed", "look"]]
    if not any((folder / file).exists() for file in files_of("first_backward")):
        return profiles, seeds
    initial = arms.drop_duplicates("label")[["arm", "label", "start"]].merge(_read_first_backward(folder), on="start")
    initial["run"] = initial["label"] + ", seed " + initial["seed"].astype(str)
    measured = (profiles["phase"] == "init") & profiles["quantity"].isin(initial["quantity"])
    replaced = measured & profiles["label"].isin(initial["label"])
    profiles = pd.concat([profiles[~replaced], initial.assign(phase="init")[profiles.columns]])
    own = initial.drop_duplicates("run")[["label", "run", "seed"]].assign(look=0)
    return profiles.sort_values("arm", kind="stable"), pd.concat([seeds, own], ignore_index=True)


def _read_first_backward(folder: Path) -> pd.DataFrame:
    """Read the first backward passes, with the quantities that follow from those in the file."""
    table = _whole_table(folder, "first_backward")
    wide = table.pivot(index=["start", "seed", "layer", "depth"], columns="quantity", values="value")
    derived = pd.DataFrame(with_derived(dict(wide.items())), index=wide.index)
    return derived.rename_axis(columns="quantity").stack(future_stack=True).rename("value").reset_index()
