"""Arrays of the user's own: an .npz file, or .npy files in a folder or an archive."""

import io
import zipfile
from pathlib import Path

import numpy as np
from pydantic import Field

from gradflow.data.archives import BROKEN, Member
from gradflow.data.arrays import ArraySettings, channels_first, content_of
from gradflow.data.content import Content
from gradflow.data.sources import Source
from gradflow.errors import GradflowError

SUFFIX = ".npy"  # an .npz file is a zip of .npy files


class Settings(ArraySettings):
    """Where the arrays are, and what they are like."""

    path: str | None = Field(
        None, description="An .npz file with images and labels, or a folder of images.npy and labels.npy."
    )
    download: str | None = Field(None, description="The name under downloads of such a file, instead of a path.")


def read(files: list[Member], settings: dict) -> Content:
    """Return what the files images.npy and labels.npy hold, and perhaps split.npy and classes.npy.

    Raises GradflowError for a file that is none of numbers or texts, and for arrays of another form than `content_of`
    takes.
    """
    arrays = {}
    for file in files:
        try:
            if file.name.endswith(SUFFIX):
                arrays[file.name.removesuffix(SUFFIX)] = np.load(io.BytesIO(file.read()), allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise GradflowError(f"{file.name} is no array of numbers or texts ({error}): save it anew.") from error
    return content_of(arrays, settings)


def check(settings: dict) -> None:
    """Raise GradflowError unless there is either a path or a download."""
    if bool(settings["path"]) == bool(settings["download"]):
        raise GradflowError("source arrays takes either a path or a download; give it one of the two.")


def look(settings: dict) -> None:
    """Raise GradflowError if the images of a path have another number of channels; only their header is read."""
    path = Path(settings["path"])
    images = zipfile.Path(path, "images.npy") if zipfile.is_zipfile(path) else path / "images.npy"
    try:
        with images.open("rb") as stream:
            old = np.lib.format.read_magic(stream) == (1, 0)
            read_header = np.lib.format.read_array_header_1_0 if old else np.lib.format.read_array_header_2_0
            shape = read_header(stream)[0]
    except BROKEN:  # what is wrong is said when all is read
        return
    channels_first(np.zeros((1, *shape[1:]), np.uint8), settings["channels"])


SOURCE = Source(read, settings=Settings, check=check, look=look, channels=lambda settings: settings["channels"])
