"""What a function of the user's own returns."""

from collections.abc import Mapping

from pydantic import Field

from gradflow.builders import load_builder, split
from gradflow.data.arrays import ArraySettings, content_of
from gradflow.data.content import Content
from gradflow.data.members import Member
from gradflow.data.sources import Source
from gradflow.errors import GradflowError


class Settings(ArraySettings):
    """The function, and what the arrays are like that it returns."""

    function: str = Field(
        "",
        description="A function that returns images and labels: path/to/file.py:function or package.module:function.",
    )
    path: str | None = Field(
        None, description="A file or a folder that it is called with, and that the data set is made again by."
    )


def read(files: list[Member], settings: dict) -> Content:
    """Return what the function returns: (images, labels), or a mapping of the arrays that `content_of` takes.

    Raises GradflowError for a function that cannot be found, fails or returns something else.
    """
    function = load_builder(settings["function"])
    try:
        made = function(settings["path"]) if settings["path"] else function()
    except Exception as error:  # other people's code fails in any way
        raise GradflowError(f"{settings['function']} failed ({type(error).__name__}: {error}).") from error
    if isinstance(made, tuple | list) and len(made) == 2:
        made = dict(zip(("images", "labels"), made))
    if not isinstance(made, Mapping):
        raise GradflowError(
            f"{settings['function']} must return images and labels, but returned {type(made).__name__}."
        )
    return content_of(made, settings)


def check(settings: dict) -> None:
    """Raise GradflowError unless the function is named in one of the two ways."""
    if not settings["function"]:
        raise GradflowError(
            "source function needs a function; write package.module:function or path/to/file.py:function."
        )
    split(settings["function"])


SOURCE = Source(
    read,
    settings=Settings,
    packed=False,
    check=check,
    channels=lambda settings: settings["channels"],
    code=lambda settings: settings["function"],
)
