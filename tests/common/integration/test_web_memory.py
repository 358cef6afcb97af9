"""The threads of a gateway process share few malloc arenas."""

import platform
import re
import subprocess
import sys

import pytest

from tests.support.system import ROOT
from tools.launch.web import ARENAS

THREADS = 12
CODE = f"""
import ctypes, threading
from tools.launch.web import application
application()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fdopen.restype = ctypes.c_void_p
here = threading.Barrier({THREADS})
def use():
    libc.malloc(100_000)
    here.wait()
threads = [threading.Thread(target=use) for _ in range({THREADS})]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
out = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, out)
libc.fflush(out)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_many_threads_share_few_heaps() -> None:
    told = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert 1 <= len(re.findall(r"<heap nr=", told)) <= ARENAS
