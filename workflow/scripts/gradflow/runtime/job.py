"""How a script behaves as a job: its output goes to its log, and a fault is one sentence."""

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from gradflow.errors import GradflowError, printable
from gradflow.files import NO_ROOM, date_no_later_than

LIBRARY = Path(__file__).resolve().parents[1]


@contextmanager
def job(script) -> Iterator[TextIO]:
    """Send stdout and stderr, those of child processes too, to the log; end with one sentence on a GradflowError.

    script: what Snakemake gives a script, with its log, its input and its folder: a library that does not lie there is
    refused. Yields the terminal, for the progress bars of long work. Any other exception is a fault of ours: its
    traceback goes to the log, and its last line to the terminal. What a full disk keeps from the log is lost, not the
    job. Inputs from the future, which a clock that was set back makes, are dated now: Snakemake would find the outputs
    older, and delete them.
    """
    log = script.log[0]
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    terminal = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="backslashreplace")
    with open(log, "w", encoding="utf-8") as stream:
        for descriptor in (1, 2):
            os.dup2(stream.fileno(), descriptor)
    for stream in (sys.stdout, sys.stderr):  # a log has every letter, whatever the locale
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    sys.stdout, sys.stderr = (_Forgiving(stream) for stream in (sys.stdout, sys.stderr))
    os.utime(log)
    date_no_later_than(log, script.input)
    try:
        _require_own_library(Path(script.scriptdir))
        yield terminal
    except Exception as error:
        expected = isinstance(error, GradflowError)
        sentence = str(error) if expected else f"{type(error).__name__}: {error} (traceback in {log})"
        print(f"gradflow: {printable(sentence)}", file=terminal, flush=True)
        if not expected:
            traceback.print_exc()
        print(sentence, file=sys.stderr)
        sys.exit(1)


def _require_own_library(scripts: Path) -> None:
    """Raise GradflowError unless this library is the one beside the script: what is recorded of the code is said of it.

    Snakemake puts the folder of a script last on the path, after any gradflow that is installed.
    """
    if (scripts / "gradflow").resolve() != LIBRARY:
        raise GradflowError(
            f"gradflow was taken from {LIBRARY}, not from the checkout of this job, {scripts}: uninstall it where the "
            "job runs, or put the checkout's folder first on PYTHONPATH."
        )


class _Forgiving:
    """A text stream that loses what it cannot write."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def __getattr__(self, name: str):
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write text and hand it on at once, if there is room."""
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
        return len(text)

    def flush(self) -> None:
        """Everything is handed on already."""
