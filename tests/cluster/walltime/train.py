"""Train for five minutes, or go on from what an earlier attempt saved; being told to end, take a while to save."""

import os
import signal
import sys
import time
from pathlib import Path

SAVED, HEARD = Path("saved.txt"), Path("heard.txt")


def save(number, frame):
    """Write a checkpoint, slowly."""
    signal.signal(number, signal.SIG_IGN)  # the signal may come twice
    HEARD.write_text(f"{signal.Signals(number).name} in job {os.environ['SLURM_JOB_ID']}")
    time.sleep(5)
    SAVED.write_text("half of the epochs")
    sys.exit(1)


signal.signal(signal.SIGTERM, save)
if not SAVED.exists():
    time.sleep(300)
Path(snakemake.output[0]).write_text(f"gone on from {SAVED.read_text()}")
