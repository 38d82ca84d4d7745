"""The runtime: what Snakemake asks of a job; no other room imports it."""

import sys

from gradflow.errors import GradflowError

if sys.platform == "win32":  # no fork, no abstract sockets, no SIGUSR1
    raise GradflowError(
        "gradflow's workflow needs Linux or macOS, or on Windows WSL; the recorder and the command gradflow work here."
    )
