"""Ending a plain function that takes too long, without giving up its thread."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import FrameType


class Late(TimeoutError):
    """A call took longer than its `timeout_seconds`."""


def limit(seconds: float | None) -> AbstractContextManager[None]:
    """Raise `Late` in the block after so many seconds.

    On the main thread a signal interrupts even a system call; on other threads the exception comes with the next
    step of Python code, so a single long call into C ends first.

    >>> with limit(5):
    ...     pass
    """
    if seconds is None:
        return nullcontext()
    if threading.current_thread() is threading.main_thread() and _alarm_is_free():
        return _by_signal(seconds)
    return _by_exception(seconds)


def _alarm_is_free() -> bool:
    return hasattr(signal, "setitimer") and signal.getitimer(signal.ITIMER_REAL)[0] == 0


@contextmanager
def _by_signal(seconds: float) -> Iterator[None]:
    def ring(_number: int, _frame: FrameType | None) -> None:
        raise late(seconds)

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _by_exception(seconds: float) -> Iterator[None]:
    over = _Watch(threading.get_ident())
    timer = threading.Timer(seconds, over.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Late as error:
        if error.args or not over.rung:  # of a call inside, or of one around
            raise
        raise late(seconds) from None
    finally:
        timer.cancel()
        over.end()


class _Watch:
    """Interrupts a thread, but only as long as its block runs."""

    def __init__(self, thread: int) -> None:
        self._thread = thread
        self._lock = threading.Lock()
        self._running = True
        self.rung = False

    def interrupt(self) -> None:
        with self._lock:
            if self._running:
                self.rung = True
                self._set(Late)

    def end(self) -> None:
        with self._lock:
            self._running = False
            self._set(None)  # one that is on its way must not strike later code

    def _set(self, error: type[BaseException] | None) -> None:
        import ctypes

        thread = ctypes.c_ulong(self._thread)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, None if error is None else ctypes.py_object(error))


def late(seconds: float | None) -> Late:
    """The error of a call that took too long."""
    return Late(f"Task run exceeded timeout of {seconds or 0:g} second(s)")
