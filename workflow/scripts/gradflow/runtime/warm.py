"""Warm starts: jobs of one machine that go on in copies of a process which has imported torch already.

To start Python, torch and what torch's optimizers import takes three seconds of a processor, as long as a small
training. The workflow's main process therefore starts one process that imports them once, and is forked for each job
that asks: the job's script runs in the copy from its first line on, in its own folder, with its own environment and
streams, and imports this library anew. The script's first process waits, hands signals on and ends as the copy ends, so
that to Snakemake a job is what it always was. Where nobody offers a warm start (a cluster's node, another Python, a
system other than Linux), a script runs by itself: nothing but its start takes longer.
"""

import array
import json
import os
import runpy
import select
import signal
import socket
import sys
import tempfile
import traceback
from importlib import import_module
from pathlib import Path
from subprocess import DEVNULL, Popen

OFFER = "GRADFLOW_WARM_START"  # the Python that offers it and its address, in the environment of jobs
MODULES = ("torch._dynamo", "torchvision", "tqdm")  # torch's optimizers import the first on their first step
HANDED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
STREAMS = (0, 1, 2)
LIBRARY = "gradflow"
LONGEST = 1 << 20  # bytes of a request: the environment


def offer(threads: int) -> None:
    """Start the process that is forked, as this one's child, and tell the jobs of this process of it by OFFER.

    It ends with this process. threads: the CPU threads of a job.
    """
    if sys.platform != "linux":
        return
    address = str(Path(tempfile.mkdtemp(prefix="gradflow-")) / "warm")  # a folder that is its owner's alone
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, "-m", "gradflow.runtime.warm", address]
    Popen(command, env=environment, stdin=DEVNULL, start_new_session=True)  # the terminal's signals go to the jobs
    os.environ[OFFER] = f"{sys.prefix}\n{address}"


def hand_over() -> None:
    """Let the script that calls this run in a copy of the warm process, and end as it ends; return if there is none."""
    prefix, _, address = os.environ.pop(OFFER, "").partition("\n")
    if prefix != sys.prefix:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as warm:
        try:
            warm.connect(address)
            request = {"arguments": sys.argv, "folder": os.getcwd(), "environment": dict(os.environ)}
            streams = array.array("i", STREAMS)
            warm.sendmsg([json.dumps(request).encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
            copy = int(warm.recv(20) or 0)
        except OSError:
            return
        if not copy:
            return
        for number in HANDED_ON:
            signal.signal(number, lambda number, _: os.kill(copy, number))
        status = int(warm.recv(20) or -signal.SIGKILL)
    os._exit(status if status >= 0 else 128 - status)


def serve(address: str) -> None:
    """Answer requests for warm starts until the process that started this one is gone."""
    parent = os.getppid()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who attends to a request is waited for by nobody
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(address)
        listener.listen(64)
        while os.getppid() == parent:
            if select.select([listener], [], [], 1)[0]:
                connection, _ = listener.accept()
                for module in MODULES:  # at the first request: a workflow that trains nothing needs none
                    import_module(module)
                if os.fork() == 0:
                    listener.close()
                    _attend(connection)
                connection.close()
    Path(address).unlink()
    Path(address).parent.rmdir()


def _attend(connection: socket.socket) -> None:
    """Run a job in a copy of this process, say its number and how it ended; stop it if the one that asked is gone."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request, streams, _, _ = socket.recv_fds(connection, LONGEST, len(STREAMS))
    copy = os.fork()
    if copy == 0:
        connection.close()
        os._exit(_run(**json.loads(request), streams=streams))
    for stream in streams:
        os.close(stream)
    connection.send(str(copy).encode())
    ended = os.pidfd_open(copy)
    if ended not in select.select([connection, ended], [], [])[0]:
        os.kill(copy, signal.SIGTERM)
    status = os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1])
    try:
        connection.send(str(status).encode())
    finally:
        os._exit(0)


def _run(arguments: list[str], folder: str, environment: dict[str, str], streams: list[int]) -> int:
    """Run a script as if Python had been started for it; return its exit status."""
    for here, there in zip(STREAMS, streams):
        os.dup2(there, here)
        os.close(there)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = arguments
    for module in [name for name in sys.modules if name.split(".")[0] == LIBRARY]:
        del sys.modules[module]  # it may have been edited since
    signal.signal(signal.SIGINT, signal.default_int_handler)
    status = 0
    try:
        runpy.run_path(arguments[0], run_name="__main__")
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return status


if __name__ == "__main__":
    serve(sys.argv[1])
