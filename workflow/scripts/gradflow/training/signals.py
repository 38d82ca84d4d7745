"""Signals that ask a process to stop, noted to be acted on when it is safe."""

import signal
import threading

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)  # a scheduler's kill, Ctrl-C, Slurm's warning of the walltime


class StopSignals:
    """Note a signal of `SIGNALS` instead of dying of it.

        with StopSignals() as stop:
            ...
            if stop.received: ...       # "SIGTERM", where it is safe to stop

    Before and after the block signals do what they did, but after `finish` they do nothing. Outside the main thread,
    where Python allows no handlers, they go on doing what they did.
    """

    def __init__(self):
        self.received: str | None = None
        self._previous: dict = {}

    def __enter__(self) -> "StopSignals":
        """Put the handlers in place."""
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, *exception) -> None:
        """Put the previous handlers back."""
        for number, handler in self._previous.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)  # None: not set from Python
        self._previous = {}

    def finish(self) -> None:
        """Let signals do nothing from now on: the work is done, and all that is left is to end."""
        for number in self._previous:
            signal.signal(number, signal.SIG_IGN)
            self._previous[number] = signal.SIG_IGN

    def _note(self, number: int, frame) -> None:
        self.received = signal.Signals(number).name
