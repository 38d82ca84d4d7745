"""How a script behaves as a job: its output goes to its log, and a fault is one sentence."""

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gradflow.errors import GradflowError


@contextmanager
def job(log: str | Path) -> Iterator[None]:
    """Send stdout and stderr, those of child processes too, to `log`; end with one sentence on a GradflowError.

    Any other exception is a fault of ours: its traceback goes to the log, and its last line to the terminal.
    """
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    terminal = os.fdopen(os.dup(2), "w", encoding="utf-8")
    with open(log, "w", encoding="utf-8") as stream:
        for descriptor in (1, 2):
            os.dup2(stream.fileno(), descriptor)
    try:
        yield
    except Exception as error:
        expected = isinstance(error, GradflowError)
        if not expected:
            traceback.print_exc()
        sentence = str(error) if expected else f"{type(error).__name__}: {error} (traceback in {log})"
        print(sentence, file=sys.stderr)
        print(f"gradflow: {sentence}", file=terminal, flush=True)
        sys.exit(1)
