"""Linux' `prctl`, which sets attributes of the calling process."""

import ctypes


def prctl(option: int, value: int = 0) -> int | None:
    """Calls it with an option of linux/prctl.h; returns what it returns, or None on systems other than Linux."""
    found = getattr(ctypes.CDLL(None), "prctl", None)
    return None if found is None else int(found(option, value, 0, 0, 0))
