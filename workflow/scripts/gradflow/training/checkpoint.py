"""Checkpoints of a training run: its progress in a file, resumed only by the same run on the same footing.

A checkpoint is torch's archive of tensors and plain values, followed by the sha256 over it, as torch does not check its
own checksums. It is read without pickled code.
"""

import hashlib
import pickle
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import torch
from tqdm import tqdm

from gradflow.data.store import Dataset
from gradflow.errors import GradflowError
from gradflow.files import atomic_write, remove
from gradflow.runs import Run
from gradflow.training.schedules import follows_from_all_epochs
from gradflow.training.signals import StopSignals
from gradflow.training.state import NoCheckpoint, Progress

DIGEST = hashlib.sha256().digest_size
CHUNK = 2**20  # bytes hashed at a time


class Checkpoint(NoCheckpoint):
    """Where the checkpoint of a run lies, and when it is saved: at the end of an epoch, and when `poll` finds it due.

    What keeps a checkpoint from being saved or read is said in one sentence, and the run goes on without.

    Parameters
    ----------
    path : the file.
    minutes : how long within an epoch until it is due.
    stop : signals that end the run once its checkpoint is saved.
    code : the fingerprint of the code that trains, which is then compared, too.
    keep : whether the state at the end of the run stays, and whether the run may go on from that of one that differs
        from it in having fewer epochs, kept beside `path` under that run's id.
    """

    def __init__(
        self,
        path: Path,
        minutes: float = 10,
        stop: StopSignals | None = None,
        code: str | None = None,
        keep: bool = False,
    ):
        self._path, self._code, self._keep = Path(path), code, keep
        self._seconds, self._stop = 60 * minutes, stop or StopSignals()
        self._kept: int | None = None  # the step that the file goes on from

    def resume(self, progress: Progress, dataset: Dataset, weights: Path | None) -> None:
        """Take the run to where its checkpoint left it; without one that fits it starts at its beginning."""
        run = progress.run
        self._identity = identity(run, self._code, dataset, weights, progress.device)
        self._saved = time.monotonic()
        if self._keep and follows_from_all_epochs(run):
            tqdm.write(f"{run.id} keeps no state: its {run.schedule} schedule is another one in a longer run.")
            self._keep = False
        refused = []
        for path, maker in self._offered(run):
            try:
                progress.restore(read_checkpoint(path, self._identity | {"settings": maker.settings}))
            except GradflowError as error:
                refused.append(error)
                continue
            self._kept = progress.step
            after = "" if maker is run else f", where a run of {maker.epochs} epochs was left"
            tqdm.write(f"{run.id} goes on from step {progress.step} of {progress.all_steps}{after}.")
            break
        for error in refused:
            tqdm.write(f"{run.id} {'starts over' if self._kept is None else 'left a state aside'}: {error}")

    def _offered(self, run: Run) -> Iterator[tuple[Path, Run]]:
        """Yield what there is to go on from, the furthest first, and the run that made it."""
        fewer = range(run.epochs - 1, 0, -1) if self._keep else ()
        for maker in (run, *(replace(run, epochs=epochs) for epochs in fewer)):
            path = self._path if maker is run else self._path.with_name(f"{maker.id}.pt")
            if path.exists():
                yield path, maker

    def poll(self, progress: Progress) -> None:
        """Between two steps, save if it is due. Raises GradflowError, once saved, if a signal asks the run to stop."""
        if self._stop.received:
            raise GradflowError(self._farewell(progress, self._save(progress)))
        if time.monotonic() - self._saved >= self._seconds:
            self.save(progress)

    def save(self, progress: Progress) -> None:
        """Save the run as it is, between two steps; if that cannot be, say why and go on."""
        error = self._save(progress)
        if error:
            tqdm.write(f"{progress.run.id} goes on without a checkpoint of step {progress.step}: {error}")

    def discard(self) -> None:
        """Remove the checkpoint, unless it is kept, and what killed writes of it left; if that cannot be, say so."""
        try:
            remove(self._path, leftovers_only=self._keep)
        except OSError as error:
            tqdm.write(f"{self._path} is no longer needed but could not be removed ({error.strerror}): delete it.")

    def _save(self, progress: Progress) -> GradflowError | None:
        """Save, and return what kept it from being saved."""
        self._saved = time.monotonic()
        try:
            write_checkpoint(self._path, self._identity, progress.state())
        except GradflowError as error:
            return error
        self._kept = progress.step
        return None

    def _farewell(self, progress: Progress, error: GradflowError | None) -> str:
        said = f"{progress.run.id} was stopped by {self._stop.received} at step {progress.step} of {progress.all_steps}"
        if not error:
            return f"{said}; its checkpoint is kept and the next start goes on from there."
        goes_on = "begins anew" if self._kept is None else f"goes on from step {self._kept}"
        return f"{said}; no checkpoint of it could be kept and the next start {goes_on}: {error}"


def identity(
    run: Run, code: str | None, dataset: Dataset, weights: Path | None, device: torch.device
) -> dict[str, object]:
    """Return what a run's numbers follow from, by the name to call it by; plain values."""
    return {
        "settings": run.settings,
        "code": code,
        "data": dataset.fingerprint,
        "pretrained weights": _sha256(weights) if weights else None,
        "torch version": str(torch.__version__),
        "device": device.type,
        "number of threads": torch.get_num_threads(),
    }


def write_checkpoint(path: Path, identity: dict[str, object], state: dict) -> None:
    """Write a checkpoint atomically. Raises GradflowError if it cannot be written."""

    def write(stream: BinaryIO) -> None:
        archive = _Hashed(stream)
        try:
            torch.save({"identity": identity, "state": state}, archive)
        except RuntimeError as error:  # torch's words for what went wrong in the stream
            raise archive.error or error from None
        stream.write(archive.sha256.digest())

    atomic_write(path, write)


def read_checkpoint(path: Path, identity: dict[str, object]) -> dict:
    """Return the state in a checkpoint, its tensors on the host.

    Raises GradflowError if it cannot be read, is damaged, or has another identity.
    """
    try:
        if not _is_whole(path):
            raise GradflowError(f"{path} is damaged: its sha256 is not the one it was written with.")
        content = torch.load(path, map_location="cpu", weights_only=True)
        theirs, state = content["identity"], content["state"]
    except OSError as error:
        raise GradflowError(f"{path} could not be read: {error.strerror or error}.") from error
    except (RuntimeError, pickle.UnpicklingError, LookupError, TypeError) as error:
        raise GradflowError(f"{path} is no checkpoint of this gradflow.") from error
    for name, ours in identity.items():
        if theirs.get(name) != ours:
            raise GradflowError(f"{path} was made with other {name}: {_difference(theirs.get(name), ours)}.")
    return state


class _Hashed:
    """A stream to write to, hashed; it remembers what the operating system said against it."""

    def __init__(self, stream: BinaryIO):
        self._stream, self.sha256, self.error = stream, hashlib.sha256(), None

    def write(self, data: bytes) -> int:
        self.sha256.update(data)
        try:
            return self._stream.write(data)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        """All is handed on already."""


def _is_whole(path: Path) -> bool:
    digest, left = hashlib.sha256(), path.stat().st_size - DIGEST
    with open(path, "rb") as stream:
        while left > 0:
            part = stream.read(min(CHUNK, left))
            digest.update(part)
            left -= len(part)
        return stream.read() == digest.digest()


def _difference(theirs: object, ours: object) -> str:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        names = [name for name in {**theirs, **ours} if theirs.get(name) != ours.get(name)]
        return ", ".join(f"{name} {theirs.get(name)} there, {ours.get(name)} here" for name in names)
    return f"{theirs} there, {ours} here"


def _sha256(path: Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
