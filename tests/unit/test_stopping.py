"""Signals that ask to stop are noted inside the block, and do what they did before it and after it."""

import os
import signal
import threading

import pytest

from gradflow.training.signals import SIGNALS, StopSignals


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_noted_and_the_previous_handlers_come_back(number):
    heard = []
    before = signal.signal(number, lambda *_: heard.append("before"))
    try:
        with StopSignals() as stop:
            assert stop.received is None
            os.kill(os.getpid(), number)
            assert stop.received == number.name and not heard
        os.kill(os.getpid(), number)
        assert heard == ["before"]
    finally:
        signal.signal(number, before)


def test_once_the_work_is_done_signals_do_nothing():
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        with StopSignals() as stop:
            stop.finish()
        for number in SIGNALS:
            os.kill(os.getpid(), number)
        assert stop.received is None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_the_handlers_come_back_after_an_exception():
    before = [signal.getsignal(number) for number in SIGNALS]
    with pytest.raises(ZeroDivisionError), StopSignals():
        1 / 0  # noqa: B018
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_outside_the_main_thread_it_is_harmless():
    before = [signal.getsignal(number) for number in SIGNALS]
    seen = []

    def work():
        with StopSignals() as stop:
            seen.append((stop.received, [signal.getsignal(number) for number in SIGNALS]))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(None, before)]
