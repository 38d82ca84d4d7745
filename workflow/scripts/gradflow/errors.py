"""The one exception a user is meant to read, and how it is shown."""


class GradflowError(Exception):
    """One clear sentence: what is wrong, where, and what to do about it."""


def printable(text: str) -> str:
    """Return a text of other people with what a terminal would act upon, and not show, written out."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
