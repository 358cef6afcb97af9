"""Ends a process when its parent dies, so that a killed parent leaves no orphan on a port."""

import os
import signal

from common.prctl import prctl

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent(parent: int | None = None, signum: int = signal.SIGKILL) -> None:
    """Has the kernel send `signum` to this process when its parent ends. Does nothing on systems other than Linux.

    Pass the process id `parent` if it is known; then a parent that ended before this call is noticed too. A fork clears
    this setting and an exec keeps it, so call it in the process that must end.
    """
    expected = parent or os.getppid()
    if prctl(PR_SET_PDEATHSIG, signum) is None:
        return
    if os.getppid() != expected:  # the parent ended before the prctl call
        os.kill(os.getpid(), signum)
