"""Fingerprints of code: what a result depends on, so that it is made again when that changes, and only then.

Snakemake reruns a job when a parameter changes, but does not see the modules that a script imports. A rule that takes
`code_fingerprint("gradflow.analysis.tables")` as a parameter reruns when, and only when, that code says something
else. It is compared as Python parses it, so another Python version counts as other code.

A run's fingerprint is that of the training loop, of its own builder, and of its own entries in the registries: another
architecture, optimizer or quantity beside them makes no run again.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from functools import cache
from importlib import util
from pathlib import Path

from gradflow import HOME
from gradflow.builders import is_file, split
from gradflow.errors import GradflowError
from gradflow.models.catalogue import CATALOGUE, Architecture
from gradflow.recorder.quantities import measured_on_request
from gradflow.runs import Run
from gradflow.runtime.closures import LIBRARY, closure, locate_in
from gradflow.training.optimizers import OPTIMIZERS

ROOT = Path(__file__).parents[1]  # the library
# Lists of which a run has an entry: its entry counts, not the list.
REGISTRIES = ("gradflow.models.catalogue", "gradflow.training.optimizers", "gradflow.recorder.quantities")
TRAINING = ("gradflow.training.loop", "gradflow.training.device")


def code_fingerprint(*modules: str, registries: bool = True) -> str:
    """Return 12 hex digits over the named modules of gradflow and all of gradflow that they import, in turn.

    registries: whether the lists of architectures, optimizers and quantities count, where the modules read them.
    """
    return _library_code(modules, () if registries else REGISTRIES)


def run_fingerprint(run: Run, architecture: Architecture, record: Iterable[str] = ()) -> str:
    """Return 12 hex digits over all the code that a run's numbers depend on.

    That is the training loop, without what is there for settings that are neutral in this run; its architecture's
    builder and entry, its optimizer's entry, and the functions that measure what is recorded on request.

    Raises GradflowError for a builder that is nowhere to be found.
    """
    optimizer = json.dumps(OPTIMIZERS[run.optimizer].science, sort_keys=True)
    measures = [function_code(measure) for measure in measured_on_request(record).values()]
    kind = OPTIMIZERS[run.optimizer].kind
    if split(kind)[0].startswith(f"{LIBRARY}."):  # torch's own come with its version
        measures.append(function_code(kind))
    unset = frozenset(name for name in run.neutral if not getattr(run, name))  # so that `if run.name:` is passed over
    return _digest(_loop_code(run.neutral, unset), _network_code(architecture), optimizer, *measures)


def network_fingerprint(architecture: Architecture, *modules: str) -> str:
    """Return 12 hex digits over modules of gradflow that build an architecture, its builder, and its entry.

    Raises GradflowError for a builder that is nowhere to be found.
    """
    return _digest(_library_code(modules, REGISTRIES), _network_code(architecture))


@cache
def _library_code(modules: tuple[str, ...], without: tuple[str, ...]) -> str:
    """The code of modules and of what they import; without: modules that do not count, nor what only they import."""
    locate = locate_in(ROOT, LIBRARY)
    missing = [module for module in modules if locate(module) is None]
    if missing:
        raise ModuleNotFoundError(f"{missing[0]} is no module of {LIBRARY}: its code cannot be fingerprinted")
    return _hashed(closure(modules, locate, HOME, without))


@cache
def _loop_code(neutral: frozenset[str], unset: frozenset[str]) -> str:
    """The code of the training loop, for runs in which these settings are neutral, and of them unset."""
    ours = locate_in(ROOT, LIBRARY)
    return _hashed(closure(TRAINING, ours, HOME, REGISTRIES, prose=False, neutral=neutral, unset=unset))


def _network_code(architecture: Architecture) -> str:
    """The code that an architecture's networks are built by, wherever it lies, and what its entry says."""
    entry = json.dumps(architecture.science | {"builder": None}, sort_keys=True)
    return _digest(entry, function_code(architecture.builder))


def function_code(function: str | Callable) -> str:
    """Identify the code of a function by its name: the closure of a module of gradflow or of a user's own file within
    its folder; of an installed package, distribution and version.
    """
    if callable(function):
        return f"{function.__module__}.{function.__qualname__}"
    where, name = split(function)
    if is_file(where):
        file = Path(where).expanduser()
        return f"{_own_code(file.stem, file.absolute().parent, file)}:{name}"
    top = where.split(".")[0]
    if top == LIBRARY:
        return f"{_library_code((where,), REGISTRIES)}:{name}"
    try:
        spec = util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        raise GradflowError(f"builder: there is no module {top!r} for {function}; install it, or give a file's path.")
    found = _distribution(top)
    if found:
        return f"{found} {function}"
    folder = Path(spec.origin).parent if spec.origin else Path(next(iter(spec.submodule_search_locations)))
    return f"{_own_code(where, folder.parent if spec.submodule_search_locations else folder)}:{name}"


def _own_code(module: str, folder: Path, file: Path | None = None) -> str:
    """A user's own code: what its modules say, wherever the folder lies; file: the module's, where its name does not
    tell.
    """
    ours, theirs = locate_in(ROOT, LIBRARY), locate_in(folder)

    def locate(name: str) -> Path | None:
        return file if file and name == module else ours(name) or theirs(name)

    if file and not file.is_file():
        raise GradflowError(f"builder: {file} does not exist; a relative path counts from the folder you start in.")
    code = closure([module], locate, HOME, REGISTRIES)
    if f"{LIBRARY}.models.build" in code:
        code |= _ours_by_name(code, locate)
    return _hashed(code)


def _ours_by_name(code: dict[str, str], locate: Callable[[str], Path | None]) -> dict[str, str]:
    """The code and the entries of the architectures of ours that a user's code names, or of all if it names none."""
    own = " ".join(text for module, text in code.items() if not module.startswith(f"{LIBRARY}."))
    named = [name for name in CATALOGUE if f"'{name}'" in own] or list(CATALOGUE)
    builders = [split(CATALOGUE[name].builder)[0] for name in named]
    entries = {f"entry {name}": json.dumps(CATALOGUE[name].science, sort_keys=True) for name in named}
    return closure(builders, locate, HOME, REGISTRIES) | entries


@cache
def _distribution(package: str) -> str | None:
    """Say which version of which distribution a package is of; None if it may change without one."""
    from importlib import metadata  # takes a while, and is seldom needed

    said = []
    for name in metadata.packages_distributions().get(package, []):
        distribution = metadata.distribution(name)
        origin = json.loads(distribution.read_text("direct_url.json") or "{}")
        if origin.get("dir_info", {}).get("editable"):
            return None
        said.append(f"{name}=={distribution.version}")
    return " ".join(sorted(said)) or None


def _hashed(code: dict[str, str]) -> str:
    return _digest(*(f"{name}\n{code[name]}" for name in sorted(code)))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
