"""The results of the runs, each read from its file when it is first asked for."""

from pathlib import Path

from gradflow.training.result import Result, read_result


class Results(dict):
    """{run id: result}, of files named <run id>/norms.npz."""

    def __init__(self, files: list[Path]):
        super().__init__()
        self._files = {Path(file).parent.name: file for file in files}

    def __missing__(self, run: str) -> Result:
        """Read a result."""
        self[run] = read_result(self._files[run])
        return self[run]


def read(files: list[Path], settings: dict) -> Results:
    """Return the results of all runs; none is read yet."""
    return Results(files)
