"""The page of the commands: `python -m gradflow.command_page Makefile` prints docs/command-line.md."""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from gradflow.cli import command_parser

HEAD = """# The command line

This page is written by `make reference` from the command's own parser and from the Makefile.

"""
COMMAND = """# `gradflow`

What the library can say without the workflow; [the recorder's page](recorder.md#the-command) shows what it prints.
A fault is one sentence, and the exit code 2. `python -m gradflow` is the same command.

"""
MAKE = """# `make`

Each sets up its environment first. `CORES` (all of this machine), `CONFIG` (an overlay on `config.yaml`, or several),
`REPORT` (`report.html` in the results' folder) and `PYTHON` (`python3`) change what they do: `make run
CONFIG=config/smoke.yaml CORES=2`.

| target | what it does |
|---|---|
"""
SNAKEMAKE = """
# `snakemake`

Its options are Snakemake's own; `snakemake --help` lists them. Those that this workflow is run with:

| option | what it does |
|---|---|
| `--cores 4` | how many processor cores jobs may hold together |
| `--resources gpu=1` | how many GPUs they may hold together ([GPUs](gpus.md)) |
| `--configfile a.yaml b.yaml` | overlays on `config.yaml`, the later over the earlier ([keys](configuration.md)) |
| `--config select='[skip]'` | one key, over them all |
| `-n` | say what would be done, and do nothing |
| `--report results/report.html` | write the report of a finished run, with its `--configfile` and `--config` |
| `-s path/to/Snakefile`, `--directory folder` | work in a folder of one's own |
| `--workflow-profile profiles/slurm` | send jobs to a cluster ([Slurm](cluster.md)) |
| `--unlock` | after a kill or a power cut ([checkpoints](checkpoints.md)) |

Targets beside the default: `runs` trains and no more, `verify` trains a sample again ([verify](verify.md)), and any
file of `results/`, with what it needs.
"""


def command_page(makefile: str) -> str:
    """Return the page, of the text of a Makefile whose targets say after ## what they do."""
    targets = re.findall(r"^([\w-]+):.*?## (.+)$", makefile, re.MULTILINE)
    targets = [(name, re.sub(r"docs/(\w+)\.md", r"[\1](\1.md)", said)) for name, said in targets]
    make = MAKE + "".join(f"| `make {name}` | {said} |\n" for name, said in targets)
    return HEAD + COMMAND + "\n".join(_argument_tables("gradflow", command_parser())) + "\n" + make + SNAKEMAKE


def _argument_tables(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield a table of arguments for a command and those below it."""
    rows, below = [], []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help for choice in action._choices_actions}
            below = [(f"{name} {word}", helps[word], its) for word, its in action.choices.items()]
        elif not isinstance(action, argparse._HelpAction):
            rows.append(f"| {_spelled(action)} | {action.help} |")
    if rows:
        yield "\n".join(["| argument | what it is |", "|---|---|", *rows]) + "\n"
    for command, said, its in below:
        yield f"## `{command}`\n\n{said[0].upper()}{said[1:]}.\n"
        yield from _argument_tables(command, its)


def _spelled(action: argparse.Action) -> str:
    value = action.metavar or action.dest.upper()
    if not action.option_strings:
        return f"`{value}`"
    repeated = " …" if action.nargs == "+" else ""
    said = ", ".join(action.option_strings) + ("" if action.nargs == 0 else f" {value}{repeated}")
    return f"`{said}`" + (", required" if action.required else "")


if __name__ == "__main__":
    print(command_page(Path(sys.argv[1]).read_text(encoding="utf-8")), end="")
