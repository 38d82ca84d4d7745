"""Any folder or archive of images of the user's own."""

from pydantic import BaseModel, Field

from gradflow.data.layouts import read_layout
from gradflow.data.sources import Source
from gradflow.data.splits import SHARES
from gradflow.errors import GradflowError


class Settings(BaseModel):
    """Where the images are, and which of them are meant."""

    path: str | None = Field(None, description="A folder on this machine, or a zip or tar archive of one.")
    download: str | None = Field(
        None, description="The name under downloads of an archive to fetch, instead of a path."
    )
    labels: str | None = Field(
        None,
        description="The table in it that says the classes, a CSV with the columns file, label and, if there are ready "
        "splits, split; a labels.csv beside images in no class folders is found by itself.",
    )
    exclude: list[str] = Field(
        [],
        description="What to leave out: patterns of names of files and folders or, with a slash, of paths.",
    )
    shares: list[float] = Field(
        list(SHARES), description="Shares of training, validation and test images, where there are no ready splits."
    )
    max_per_class: int | None = Field(
        None,
        ge=10,
        description="At most so many images of a class, drawn at random; of ready splits in their proportion.",
    )
    turn: bool = Field(
        False, description="Turn photographs upright, as their EXIF orientation says; torchvision does not."
    )


def check(settings: dict) -> None:
    """Raise GradflowError unless there is either a path, to something, or a download; and for shares that are none."""
    if bool(settings["path"]) == bool(settings["download"]):
        raise GradflowError("source folder takes either a path or a download; give it one of the two.")
    shares = settings["shares"]
    if len(shares) != 3 or not all(share > 0 for share in shares) or not abs(sum(shares) - 1) < 1e-6:
        raise GradflowError(
            f"shares is {shares}; give three positive numbers that add up to 1, such as {list(SHARES)}."
        )


SOURCE = Source(read_layout, settings=Settings, check=check)
