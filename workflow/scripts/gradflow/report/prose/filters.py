"""Question f: what training does to the first layer's filters."""

from gradflow.analysis.study import StudyTables
from gradflow.report.wording import markdown_table, plain, signed


def filters_table(study: StudyTables) -> str:
    """Tabulate the smoothness of the first convolution's filters before and after training."""
    columns = ("filters_before", "filters_after")
    found = [study.per_arm(study.per_run[name]) for name in columns]
    rows = [[plain(label), *(signed(values[label], 2) for values in found)] for label in study.labels]
    return markdown_table(["arm", "smoothness before training", "after"], rows)
