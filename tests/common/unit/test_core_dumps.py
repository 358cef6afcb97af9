"""The doctor says if a crash of this machine's processes would write their memory to a disk."""

import resource

import pytest

from common import core_dumps, doctor_checks
from common.doctor import Wrong
from common.prctl import prctl


def test_the_doctor_sees_whether_core_dumps_are_allowed() -> None:
    before, most = resource.getrlimit(resource.RLIMIT_CORE)
    if most == 0:
        pytest.skip("no process of this shell may write core dumps")
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (most, most))
        with pytest.raises(Wrong, match="crash"):
            doctor_checks.memory()
        core_dumps.disable(also_piped=True)
        assert doctor_checks.memory() == "a crash writes no core dump"
    finally:
        prctl(core_dumps.PR_SET_DUMPABLE, 1)
        resource.setrlimit(resource.RLIMIT_CORE, (before, most))
