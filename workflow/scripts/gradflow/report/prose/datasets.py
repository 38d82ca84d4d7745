"""The data sets: what was trained on."""

from gradflow.report.wording import markdown_table, plain


def data_table(datasets: list[dict]) -> str:
    """Tabulate the data sets that were trained on, and name the damaged images that were left out.

    datasets: what each `dataset.json` holds.
    """
    head = ["data set", "classes", "train", "validation", "test", "stored at", "fingerprint"]
    rows, notes = [], []
    for facts in datasets:
        counts = [f"{facts['counts'][part]:,}" for part in ("train", "validation", "test")]
        height, width = facts["stored"]
        rows.append(
            [facts["name"], len(facts["classes"]), *counts, f"{width}×{height}", f"`{facts['fingerprint'][:12]}`"]
        )
        dropped = facts["dropped"]
        if dropped:
            names = ", ".join(map(plain, dropped[:10])) + (", ..." if len(dropped) > 10 else "")
            what = "1 damaged image was" if len(dropped) == 1 else f"{len(dropped)} damaged images were"
            notes.append(f"From `{facts['name']}` {what} left out: {names}.")
    return markdown_table(head, rows) + "".join(f"\n\n{note}" for note in notes)
