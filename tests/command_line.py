"""Snakemake's command line, started from a process that has it loaded: each start spares its second of imports."""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

STARTS = multiprocessing.get_context("forkserver")
STARTS.set_forkserver_preload(["snakemake.cli"])


def snakemake_in(folder: Path, arguments, environment: dict[str, str], timeout: float) -> subprocess.CompletedProcess:
    """Run snakemake in a folder, as `python -m snakemake` would; raise TimeoutExpired if it takes longer."""
    with tempfile.TemporaryDirectory() as place:
        said = [Path(place) / name for name in ("stdout", "stderr")]
        process = STARTS.Process(target=_main, args=(folder, arguments, environment, *said))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(["snakemake", *arguments], timeout)
        return subprocess.CompletedProcess(arguments, process.exitcode, *(path.read_text() for path in said))


def _main(folder: Path, arguments, environment: dict[str, str], stdout: Path, stderr: Path) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for descriptor, path in enumerate((Path(os.devnull), stdout, stderr)):
        opened = os.open(path, os.O_RDWR | os.O_CREAT)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.path.insert(0, str(folder))
    sys.argv = ["snakemake", *arguments]
    from snakemake.cli import main

    main()
