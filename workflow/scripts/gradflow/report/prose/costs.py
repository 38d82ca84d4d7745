"""What the arms' networks cost."""

import pandas as pd

from gradflow.analysis.study import StudyTables
from gradflow.report.wording import markdown_table, plain

COSTS = ["parameters_full", "mflop_full", "activation_mib_full"]


def cost_of_arms(study: StudyTables, cost: pd.DataFrame) -> str:
    """Tabulate what each arm's network costs at full width, where the arms' networks differ; "" where they do not."""
    keys = [name for name in cost.columns if name in (*study.settings, "classes")]
    arms = study.runs.drop_duplicates("label")
    joined = arms[["label", *keys]].astype(str).merge(cost[[*keys, *COSTS]].astype(dict.fromkeys(keys, str)), on=keys)
    if joined["parameters_full"].nunique() < 2:
        return ""
    networks = joined.drop_duplicates(COSTS)  # an optimizer or an initialisation costs nothing here
    rows = [
        [plain(label), f"{int(parameters):,}", f"{flops:,.0f}", f"{memory:.1f}"]
        for label, parameters, flops, memory in networks[["label", *COSTS]].itertuples(index=False)
    ]
    head = ["network of the arm, at full width", "parameters", "MFLOP per image", "activations, gradients, MiB"]
    return markdown_table(head, rows)
