"""The one exception a user is meant to read."""


class GradflowError(Exception):
    """One clear sentence: what is wrong, where, and what to do about it."""
