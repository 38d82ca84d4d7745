"""The command `gradflow`: what the library can say of a network without any workflow."""

import argparse
import ast
import json
import os
import platform
import re
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path

from gradflow import __version__
from gradflow.errors import GradflowError, printable

FAULT = 2  # the exit code of whatever a user can mend, as argparse has it
WORDS = {"true": True, "false": False, "none": None, "null": None}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; a fault is one sentence on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a letter
    parser = command_parser()
    asked = parser.parse_args(arguments)
    try:
        if asked.version:
            print(_version())
        elif asked.work:
            asked.work(asked)
        else:
            parser.error("say what to do: gradflow layers NETWORK, or gradflow --help")
        sys.stdout.flush()
    except GradflowError as error:
        print(f"gradflow: {printable(str(error))}", file=sys.stderr)
        return FAULT
    except BrokenPipeError:  # `gradflow layers vgg16 | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def command_parser() -> argparse.ArgumentParser:
    """Return the command's parser, which docs/command-line.md is made of."""
    parser = argparse.ArgumentParser(
        prog="gradflow", description="How gradients flow through deep networks.", allow_abbrev=False
    )
    parser.add_argument("--version", action="store_true", help="print the versions of gradflow, torch and Python")
    parser.set_defaults(work=None)
    commands = parser.add_subparsers(metavar="COMMAND")
    layers = commands.add_parser(
        "layers", allow_abbrev=False, help="list the layers of a network that a GradientRecorder would record"
    )
    layers.set_defaults(work=_layers)
    layers.add_argument(
        "network", help="an architecture of ours (vgg16), package.module:function, or path/to/file.py:function"
    )
    _add_options(layers)
    layers.add_argument(
        "--input",
        type=_sample_size,
        metavar="3x32x32",
        help="the size of one sample: let it through the network, for the forward order and the main path",
    )
    layers.add_argument("--json", action="store_true", help="for machines")
    _add_profile(commands)
    explore = commands.add_parser(
        "explore", allow_abbrev=False, help="write a page in which to look at what was recorded"
    )
    explore.set_defaults(work=_explore)
    explore.add_argument(
        "path", help="a results folder, a file that a recorder saved, or one of gradflow profile --json"
    )
    explore.add_argument("--html", metavar="FILE", default="explorer.html", help="the page (explorer.html)")
    explore.add_argument("--open", action="store_true", help="show it in the browser")
    _add_data(commands)
    return parser


def _add_options(command) -> None:
    spelled = {"nargs": "+", "action": "extend", "type": _option, "default": [], "metavar": "NAME=VALUE"}
    command.add_argument("--set", "--options", **spelled, help="for its builder")


def _add_profile(commands) -> None:
    profile = commands.add_parser(
        "profile", allow_abbrev=False, help="measure a network's gradient, predict it, and say what it owes to what"
    )
    profile.set_defaults(work=_profile)
    profile.add_argument("network", help="package.module:builder, path/to/file.py:builder, or an architecture of ours")
    profile.add_argument("--input", type=_sample_size, required=True, metavar="3,64,64", help="the size of one input")
    profile.add_argument("--classes", type=_positive, default=10, help="how many the network tells apart (10)")
    _add_options(profile)
    profile.add_argument("--weights", metavar="FILE", help="a state dictionary, for a network that was trained")
    profile.add_argument("--data", metavar="FOLDER", help="images to put through it, in a folder or archive")
    profile.add_argument("--seeds", type=_positive, default=1, help="random seeds to draw it for (1)")
    profile.add_argument("--batch", type=_positive, default=16, help="inputs at once (16)")
    profile.add_argument("--json", metavar="FILE", help="write the numbers there too; - for the output alone")
    profile.add_argument("--html", metavar="FILE", help="write a page to look at them in, as gradflow explore does")


def _add_data(commands) -> None:
    data = commands.add_parser("data", allow_abbrev=False, help="say what would be read of images of your own")
    inspect = data.add_subparsers(metavar="COMMAND", required=True).add_parser(
        "inspect", allow_abbrev=False, help="list classes, splits, sizes, and what is left out"
    )
    inspect.set_defaults(work=_inspect_data)
    inspect.add_argument("path", type=Path, help="a folder of images, or a zip or tar archive of one")
    inspect.add_argument("--labels", metavar="FILE", help="the table in it that says the classes")
    inspect.add_argument(
        "--exclude", nargs="+", action="extend", default=[], metavar="PATTERN", help="what to leave out"
    )
    inspect.add_argument("--turn", action="store_true", help="turn photographs upright, as their EXIF orientation says")
    inspect.add_argument("--sheet", type=Path, metavar="FILE.png", help="write six of its images there, as a picture")


def _option(text: str) -> tuple[str, object]:
    """Read NAME=VALUE: true, false, none, numbers, lists as Python writes them; anything else is a text."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"{printable(text)!r} is not NAME=VALUE")
    try:
        return name, WORDS[value.lower()] if value.lower() in WORDS else ast.literal_eval(value)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return name, value


def _sample_size(text: str) -> list[int]:
    """Read 3x32x32 or 3,32,32."""
    if not re.fullmatch(r"[1-9][0-9]{0,8}([x,][1-9][0-9]{0,8})*", text):
        raise argparse.ArgumentTypeError(f"{printable(text)!r} is no size of a sample such as 3x32x32 or 784")
    return [int(side) for side in re.split("[x,]", text)]


def _positive(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,6}", text):
        raise argparse.ArgumentTypeError(f"{printable(text)!r} is no count such as 16")
    return int(text)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version  # takes longer than the rest of the command

    try:
        torch = f"torch {version('torch')}"
    except PackageNotFoundError:
        torch = "no torch"
    return f"gradflow {__version__} ({torch}, Python {platform.python_version()})"


def _layers(asked: argparse.Namespace) -> None:
    """Print the layers of a network that would be recorded, and what would not."""
    from gradflow.models.columns import column_lines, columns_of, unrecorded_lines

    sys.path.append(os.getcwd())  # for a module of the user's own; last, so that it hides no other
    with redirect_stdout(sys.stderr):  # what other people's code prints
        columns = columns_of(asked.network, dict(asked.set), asked.input)
    if asked.json:
        print(json.dumps({"input": asked.input, **asdict(columns)}))
        return
    rows = [
        (each.name, each.kind, "×".join(map(str, each.shape)), f"{each.weights:,}", f"{each.fan_in:,}", each.path)
        for each in columns.recorded
    ]
    for line in column_lines(rows if asked.input else [row[:-1] for row in rows]):
        print(line)
    weights = sum(each.weights for each in columns.recorded)
    print(f"{len(rows)} columns, {weights:,} weights; the network has {columns.parameters:,} parameters.")
    for line in unrecorded_lines(columns.unrecorded):
        print(line)
    if not asked.input:
        print("This is the order of definition; --input 3x32x32, say, gives the forward order and the main path.")


def _profile(asked: argparse.Namespace) -> None:
    """Print what a network's gradient does and why; write the numbers if a file is named."""
    from gradflow.files import atomic_write
    from gradflow.propagation.networks import explain_named

    sys.path.append(os.getcwd())
    with redirect_stdout(sys.stderr):
        explanation = explain_named(
            asked.network,
            asked.input,
            classes=asked.classes,
            settings=dict(asked.set),
            weights=asked.weights,
            data=asked.data,
            seeds=asked.seeds,
            batch=asked.batch,
        )
    told = json.dumps(explanation.to_dict())
    if asked.html:
        from gradflow.report.explorer.from_file import arm_of_explanation
        from gradflow.report.explorer.page import TITLE, write_explorer

        write_explorer(Path(asked.html), TITLE, [arm_of_explanation(explanation.to_dict(), asked.network)])
    if asked.json == "-":
        print(told)
        return
    if asked.json:
        atomic_write(Path(asked.json), lambda stream: stream.write(told.encode()))
    for line in str(explanation).splitlines():
        print(printable(line))


def _explore(asked: argparse.Namespace) -> None:
    """Write the page of what lies at a path, and say where it is."""
    from gradflow.report.explorer.page import TITLE, write_explorer

    path, page = Path(asked.path), Path(asked.html)
    if path.is_dir():
        from gradflow.report.explorer.from_results import arms_of_results
        from gradflow.thresholds import THRESHOLDS

        arms = arms_of_results(path, THRESHOLDS)
    else:
        from gradflow.report.explorer.from_file import arm_of_file

        arms = [arm_of_file(path)]
    write_explorer(page, TITLE, arms)
    print(printable(str(page)))
    if asked.open:
        import webbrowser

        webbrowser.open(page.resolve().as_uri())


def _inspect_data(asked: argparse.Namespace) -> None:
    """Print what the source `folder` would take."""
    from gradflow.data.inspection import inspect

    settings = {"labels": asked.labels, "exclude": asked.exclude, "turn": asked.turn}
    for line in inspect(asked.path, settings, asked.sheet):
        print(printable(line))
