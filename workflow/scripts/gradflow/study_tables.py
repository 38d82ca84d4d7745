"""The tables of one study, with each run's arm and label joined on: what figures and prose start from."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow.dataset as arrow_dataset

from gradflow.errors import GradflowError
from gradflow.metrics import MOMENTS, Interval, decades_table, interval, verdict


@dataclass(frozen=True)
class StudyTables:
    """Tables as in gradflow.tables, restricted to a study; each has the columns arm and label as well.

    A table's rows come in the order of the arms. `arms` has one row a run, with its architecture.
    """

    name: str
    title: str
    arms: pd.DataFrame
    profiles: pd.DataFrame
    layers: pd.DataFrame
    epochs: pd.DataFrame
    runs: pd.DataFrame
    folder: Path

    @property
    def labels(self) -> list[str]:
        """The arms' labels in their order."""
        return list(dict.fromkeys(self.arms["label"]))

    def layer_names(self, label: str) -> list[str]:
        """Return the layers of an arm that ran, in forward order."""
        table = self.profiles[(self.profiles["label"] == label) & (self.profiles["depth"] >= 0)]
        return list(table.drop_duplicates("layer").sort_values("depth")["layer"])

    def named_layers(self, label: str, named: dict[str, list[str]]) -> list[str]:
        """Return the layers to draw on their own: those named for the arm's architecture, else first, middle, last."""
        names = self.layer_names(label)
        chosen = [layer for layer in named.get(self.architecture(label), []) if layer in names]
        return chosen or [names[i] for i in sorted({0, len(names) // 2, len(names) - 1})]

    def architecture(self, label: str) -> str:
        """Return the architecture of an arm."""
        return self.arms.loc[self.arms["label"] == label, "architecture"].iloc[0]

    def decades(self, quantity: str = "grad_sample_norm") -> dict[tuple[str, str], Interval]:
        """Return {(arm label, moment): decades of the first layer over the last, with the interval over seeds}."""
        values = {moment: self.run_decades(quantity, moment) for moment in MOMENTS}
        return {
            (label, moment): interval(_present(values[moment], self.arms.loc[self.arms["label"] == label, "run"]))
            for label in self.labels
            for moment in MOMENTS
        }

    def run_decades(self, quantity: str, moment: str) -> pd.Series:
        """Return each run's decades at a moment, indexed by run."""
        table = self.profiles[(self.profiles["quantity"] == quantity) & (self.profiles["moment"] == moment)]
        return decades_table(table).set_index("run")["decades"]

    def verdicts(self, thresholds: dict, quantity: str = "grad_sample_norm") -> dict[tuple[str, str], str]:
        """Return {(arm label, moment): verdict on its decades}; thresholds as in `metrics.verdict`."""
        return {key: verdict(value, thresholds) for key, value in self.decades(quantity).items()}

    def norms(self, label: str, quantity: str, layers: list[str]) -> pd.DataFrame:
        """Return every step's values of some layers of an arm, all seeds: columns run, epoch, step, layer, value."""
        runs = list(self.arms.loc[self.arms["label"] == label, "run"])
        field = arrow_dataset.field
        wanted = field("run").isin(runs) & (field("quantity") == quantity) & field("layer").isin(layers)
        source = arrow_dataset.dataset(self.folder / "norms.parquet")
        return source.to_table(filter=wanted, columns=["run", "epoch", "step", "layer", "value"]).to_pandas()


def load(folder: Path, study: str) -> StudyTables:
    """Read the tables of a study from the folder that gradflow.tables wrote.

    Raises GradflowError if a table is missing or the study has no runs in them.
    """
    folder = Path(folder)
    try:
        read = {name: pd.read_csv(folder / f"{name}.csv") for name in ("arms", "profiles", "epochs", "runs")}
        read["layers"] = pd.read_parquet(folder / "layers.parquet")
    except FileNotFoundError as error:
        raise GradflowError(f"{error.filename} does not exist: run the workflow to make the tables.") from error
    arms = read["arms"][read["arms"]["study"] == study]
    if arms.empty:
        raise GradflowError(
            f"{folder} holds no runs of the study {study!r}: select it in the config and run the workflow."
        )
    arms = arms.merge(read["runs"][["run", "architecture"]], on="run", how="left")
    joined = {
        name: arms[["run", "arm", "label"]].merge(read[name], on="run").sort_values("arm", kind="stable")
        for name in ("profiles", "layers", "epochs", "runs")
    }
    return StudyTables(study, arms["title"].iloc[0], arms, **joined, folder=folder)


def _present(values: pd.Series, runs: pd.Series) -> pd.Series:
    """The values of some runs; a run without a row (a moment that it never reached) is left out, a NaN is kept."""
    return values[values.index.isin(runs)]
