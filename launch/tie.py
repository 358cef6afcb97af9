"""Ties a child to its parent without the moment in which the parent could end unseen."""

import os

from ml_proxy.lifeline import die_with_parent


def tie_to(parent: int) -> None:
    """Has the kernel kill this process when `parent`, the process that forked it, ends; at once if it has."""
    die_with_parent()
    if os.getppid() != parent:
        os._exit(1)
