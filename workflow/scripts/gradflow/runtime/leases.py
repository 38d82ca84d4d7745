"""GPU leases: every job has its GPU to itself, though nobody tells jobs on one machine which GPU is whose.

A lease is a name that the kernel lets one process bind at a time, an abstract Unix socket (Linux). The kernel takes it
back however the process ends, so none is ever left behind. There is no lock file: none to own, to be refused, to be
cleaned away while it is held, or to lie in another temporary folder than the next job's. The names are the machine's,
so another user's job is neither kept out by permissions nor let in on a GPU that is held. Containers with a network of
their own do not see each other's leases.
"""

import errno
import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from gradflow.errors import GradflowError

_HELD: list[int] = []  # descriptors of this process's leases


@dataclass(frozen=True)
class Lease:
    """A place on a GPU, held until this process ends: the GPU's index among those it may use, its name, the slot."""

    index: int
    gpu: str
    slot: int


@cache  # a process that asks again has its GPU already
def lease_device(device: str, threads: int = 1, jobs_per_gpu: int = 1):
    """Return the torch device for "auto", "cpu" or "cuda", as `choose_device` does, with a lease on it if it is a GPU.

    GPUs are those that CUDA_VISIBLE_DEVICES leaves, named by their UUIDs: jobs under different masks agree on them.
    """
    import torch

    from gradflow.training.device import choose_device

    chosen = choose_device(device, threads)
    if chosen.type != "cuda":
        return chosen
    visible = range(torch.cuda.device_count())
    lease = take([str(torch.cuda.get_device_properties(index).uuid) for index in visible], jobs_per_gpu)
    torch.cuda.set_device(lease.index)
    return torch.device("cuda", lease.index)


def take(gpus: Sequence[str], slots: int = 1, poll: float = 1.0) -> Lease:
    """Return a lease on the first free GPU of those named, waiting while all are taken; each serves `slots` processes.

    The lease lasts until this process ends; its children do not inherit it. A Slurm allocation leases its GPUs among
    its own jobs alone: Slurm shared them out, and its jobs never wait for each other. poll: seconds between tries.

    Raises GradflowError if the system allows no leases.
    """
    started, waiting = time.monotonic(), False
    while True:
        for slot in range(slots):  # a second job goes to an idle GPU, before it shares one
            for index, gpu in enumerate(gpus):
                if _bind(gpu, slot):
                    waited = f" after waiting {time.monotonic() - started:.0f} s" if waiting else ""
                    print(f"leased GPU {index} ({gpu}){waited}", flush=True)
                    return Lease(index, gpu, slot)
        if not waiting:
            waiting = True
            print(f"waiting for a GPU: other jobs hold {', '.join(gpus)}", flush=True)
        time.sleep(poll)


def _bind(gpu: str, slot: int) -> bool:
    """Take a place on a GPU for as long as this process lives; False if another process has it."""
    name = f"gradflow/{os.environ.get('SLURM_JOB_ID', '')}/{gpu}/{slot}"
    try:
        held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)  # closed in children that execute another program
        held.bind(f"\0{name}".encode())
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            held.close()
            return False
        raise GradflowError(
            f"no lease on GPU {gpu} could be taken, as this system refuses the abstract Unix socket {name!r} "
            f"({error.strerror or error}): allow it, or set device to cpu."
        ) from error
    _HELD.append(held.detach())  # from the interpreter, too, which would close it before the process has left the GPU
    return True


def _drop() -> None:
    """Close, in a forked child, what its parent holds."""
    while _HELD:
        os.close(_HELD.pop())


os.register_at_fork(after_in_child=_drop)
