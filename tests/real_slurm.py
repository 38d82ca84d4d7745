"""A real Slurm of one node in a folder of its own: munged, slurmctld and slurmd, with GPUs that are device files."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
DEADLINE = 60  # seconds for the daemons to come up, and for what is left to end
CPUS = 8  # more than the machine may have: what is tested is the order of things

SLURM_CONF = """
ClusterName=gradflow
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_interval=2,sched_min_interval=100000
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/done.txt
GresTypes=gpu
ReturnToService=2
KillWait={kill_wait}
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=64000 Gres=gpu:{gpus} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


class Unavailable(Exception):
    """Why no Slurm can be started here."""


class Slurm:
    """A Slurm that runs: its folder, its node, and the environment that its clients need."""

    def __init__(self, folder: Path):
        self.folder, self.node = folder, _host()
        path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        self.environment = {"SLURM_CONF": str(folder / "slurm.conf"), "PATH": path}

    def ask(self, *command: str) -> str:
        """Run a client (`squeue -h`) and return what it prints."""
        environment = os.environ | self.environment
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout

    def completed(self) -> list[dict[str, str]]:
        """The jobs that have ended, as Slurm's completion log has them: JobId, JobState, Name, ..."""
        log = self.folder / "done.txt"
        lines = log.read_text().splitlines() if log.exists() else []
        return [dict(field.split("=", 1) for field in line.split() if "=" in field) for line in lines]

    def bring_back(self, job: str, ended) -> None:
        """Let the node serve, and a job that it took along run again at once, until ended() is true.

        What keeps the job from running is asked away again and again: Slurm refuses while it still moves the node or
        the job, moves either once more, and holds a job that it started while its old processes had not ended.
        """
        away = [("update", f"nodename={self.node}", "state=resume"), ("release", job)]
        away += [("update", f"jobid={job}", "starttime=now")]

        def done():
            if ended():
                return True
            with suppress(subprocess.CalledProcessError):  # squeue knows no job that has ended
                waits = "PENDING" in self.ask("squeue", "-h", "-j", job, "-o", "%T")
                for change in away if waits and not self._steps(job) else ():
                    with suppress(subprocess.CalledProcessError):
                        self.ask("scontrol", *change)
            return False

        self.wait(f"job {job} has run again", done, 5 * DEADLINE)

    def _steps(self, job: str) -> list[Path]:
        """The sockets of a job's processes on the node: while there is one, the job cannot start again."""
        return list((self.folder / "spool").glob(f"{self.node}_{job}.*"))

    def wait(self, what: str, until, seconds: float = DEADLINE):
        """Return the first true answer of until(); AssertionError with the daemons' logs when time is up."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if answer := until():
                return answer
            time.sleep(0.2)
        logs = "\n".join(f"{path.name}: {path.read_text()[-2000:]}" for path in self.folder.glob("*.log"))
        raise AssertionError(f"{what}: not within {seconds} s.\n{logs}")

    def idle(self) -> bool:
        """Whether the node takes jobs."""
        try:
            return self.ask("sinfo", "-h", "-o", "%T").strip() in ("idle", "mixed", "allocated")
        except subprocess.CalledProcessError:
            return False


@contextmanager
def slurm(gpus: int = 1, kill_wait: int = 30) -> Iterator[Slurm]:
    """Start a Slurm and yield it, all in a temporary folder; every process has ended when the context ends.

    gpus: how many simulated GPUs its node has. kill_wait: seconds from SIGTERM to SIGKILL when a job is ended.
    Raises Unavailable where it cannot start.
    """
    missing = [name for name in DAEMONS if not shutil.which(name, path=_path())]
    if missing or os.geteuid() != 0:
        raise Unavailable(f"needs root and {', '.join(missing or DAEMONS)} (apt-get install slurm-wlm munge)")
    folder = Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp"))  # short: a socket's path has 107 characters at most
    cluster, processes = Slurm(folder), []
    try:
        _configure(folder, gpus, kill_wait)
        for command in _commands(folder):
            processes.append(_start(folder, command))
        cluster.wait("Slurm is up", cluster.idle)
        yield cluster
        cluster.ask("scancel", "--signal=KILL", "--full", "--user=root")
        cluster.ask("scancel", "--user=root")
        cluster.wait("all jobs have ended", lambda: not cluster.ask("squeue", "-h"))
    finally:
        for process in reversed(processes):
            process.terminate()
            try:
                process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _configure(folder: Path, gpus: int, kill_wait: int) -> None:
    for name in ("state", "spool", "bin"):
        (folder / name).mkdir()
    # Inside a job the executor plugin drops SLURM_CONF from the environment of srun.
    srun = folder / "bin" / "srun"
    srun.write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {shutil.which("srun")} "$@"\n')
    srun.chmod(0o755)
    try:
        for number in range(gpus):
            os.mknod(folder / f"gpu{number}", 0o666 | 0o020000, os.makedev(1, 3))  # what /dev/null is
    except OSError as error:
        raise Unavailable(f"cannot make a device file ({error})") from error
    gres = [f"Name=gpu File={folder}/gpu{number}\n" for number in range(gpus)]
    (folder / "gres.conf").write_text("".join(gres))
    conf = SLURM_CONF.format(
        host=_host(), ports=_free_ports(2), folder=folder, cpus=CPUS, gpus=gpus, kill_wait=kill_wait
    )
    (folder / "slurm.conf").write_text(conf)
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)


def _commands(folder: Path) -> list[list[str]]:
    places = {"key-file": "munge.key", "socket": "munge.socket", "pid-file": "munge.pid", "seed-file": "munge.seed"}
    munge = ["munged", "--foreground", "--force", *(f"--{name}={folder / place}" for name, place in places.items())]
    conf = str(folder / "slurm.conf")
    return [munge, ["slurmctld", "-D", "-f", conf], ["slurmd", "-D", "-f", conf, "-N", _host()]]


def _start(folder: Path, command: list[str]) -> subprocess.Popen:
    environment = os.environ | {"PATH": _path()}
    with open(folder / f"{command[0]}.log", "w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder, start_new_session=True)
    if command[0] == "munged":
        end = time.monotonic() + DEADLINE
        while not (folder / "munge.socket").exists() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
    return process


def _path() -> str:
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def _host() -> str:
    return socket.gethostname().split(".")[0]


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
