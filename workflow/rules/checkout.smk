# The library is this checkout's own, here and in every job, whichever gradflow is installed beside it.
import os
import re
import subprocess
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

SPECIAL = re.compile(r"[\s'\"$`\\&|;<>()*?\[\]{}!]")  # of the characters of a path, what means something to a shell
WHICH_LIBRARY = "import importlib.util as u, os; os.write(1, os.fsencode(u.find_spec('gradflow').origin))"
HERE = workflow.current_basedir.get_path_or_uri(secret_free=True)  # of this file, in a module, too
if "://" in HERE:
    raise WorkflowError(
        f"The library of this workflow lies beside it, where jobs import it, so it cannot be taken from {HERE}: clone "
        "the repository, and name the clone's workflow/Snakefile."
    )
CHECKOUT = Path(HERE).parents[1]
SCRIPTS = Path(CHECKOUT, "workflow", "scripts").resolve()


def shipped(*names):
    """A file of this checkout, as seen from the folder that the workflow runs in (--directory)."""
    return os.path.relpath(Path(CHECKOUT, *names))


def let_the_shell_find_python():
    """Name this Python so that a shell reads its path as one word, as Snakemake starts jobs by it unquoted."""
    here = os.path.relpath(sys.executable)
    if not SPECIAL.search(sys.executable):
        return
    if SPECIAL.search(here):
        raise WorkflowError(
            f"Snakemake cannot start jobs with {sys.executable}, as a shell reads its path otherwise: start it in the "
            "folder that .venv is in, or use an environment whose path has no spaces, quotes and such."
        )
    sys.executable = here


def put_own_library_first():
    """Let this process, and all that is started from it (jobs, here and on a cluster), find this checkout's library."""
    if os.pathsep in str(SCRIPTS):
        raise WorkflowError(f"{SCRIPTS} has a {os.pathsep!r} in it, which parts paths from each other: move it.")
    sys.path.insert(0, str(SCRIPTS))
    others = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path not in ("", str(SCRIPTS))]
    os.environ.update(PYTHONPATH=os.pathsep.join([str(SCRIPTS), *others]))


def refuse_another_library():
    """Stop if this process, or a job that it would start, has another gradflow all the same; a job checks again."""
    import gradflow

    found = [gradflow.__file__]
    if workflow.is_main_process:
        ask = [sys.executable, "-P", "-c", WHICH_LIBRARY]
        found.append(os.fsdecode(subprocess.run(ask, stdout=subprocess.PIPE, check=True).stdout))
    for file in found:
        if Path(file).resolve() != (SCRIPTS / "gradflow" / "__init__.py").resolve():
            raise WorkflowError(
                f"Python takes gradflow from {file}, not from this checkout, {SCRIPTS}: "
                "uninstall the other one, or take away the sitecustomize or .pth file that puts it first."
            )


def refuse_another_system():
    """Stop where the runtime does not work, or a package of it is missing, with what it says."""
    from gradflow.errors import GradflowError

    try:
        import gradflow.runtime
        from gradflow import studies
    except GradflowError as error:
        raise WorkflowError(str(error)) from None


let_the_shell_find_python()
put_own_library_first()
refuse_another_library()
refuse_another_system()
