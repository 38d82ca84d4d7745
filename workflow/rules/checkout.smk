# The library is this checkout's own, here and in every job, whichever gradflow is installed beside it.
import os
import subprocess
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

SCRIPTS = Path(workflow.basedir, "workflow", "scripts").resolve()


def shipped(*names):
    """A file of this checkout, as seen from the folder that the workflow runs in (--directory)."""
    return os.path.relpath(Path(workflow.basedir, *names))


def put_own_library_first():
    """Let this process, and all that is started from it (jobs, here and on a cluster), find this checkout's library."""
    sys.path.insert(0, str(SCRIPTS))
    others = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path not in ("", str(SCRIPTS))]
    os.environ.update(PYTHONPATH=os.pathsep.join([str(SCRIPTS), *others]))


def refuse_another_library():
    """Stop if this process, or a job that it would start, has another gradflow all the same; a job checks again."""
    import gradflow

    found = [gradflow.__file__]
    if workflow.is_main_process:
        ask = [sys.executable, "-P", "-c", "import importlib.util as u; print(u.find_spec('gradflow').origin)"]
        found.append(subprocess.run(ask, stdout=subprocess.PIPE, text=True, check=True).stdout.strip())
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


put_own_library_first()
refuse_another_library()
refuse_another_system()
