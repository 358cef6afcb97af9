"""Ties a process to the one that started it, so that a kill -9 of the parent leaves no orphan on its port."""

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent(parent: int | None = None, signum: int = signal.SIGKILL) -> None:
    """Has the kernel send `signum` to this process when its parent ends; on Linux only, elsewhere nothing happens.

    Whoever knows its parent's process id gives it: one that had ended before this call is noticed then too. The tie is
    cleared by a fork and kept over an exec: call it in the process that shall end.
    """
    expected = parent or os.getppid()
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is None:
        return
    prctl(PR_SET_PDEATHSIG, signum)
    if os.getppid() != expected:  # it ended before the tie was made
        os.kill(os.getpid(), signum)
