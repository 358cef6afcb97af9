"""A process may fork at any moment: what its publisher's thread holds then must not stop the child."""

import subprocess
import sys
from pathlib import Path

FORKS_DURING_AN_IMPORT = """
import os, signal, sys, threading
import django
django.setup()
from recording.publisher import loop

class Importing:
    is_waiting = True
    def __init__(self, *_, **__): pass
    def step(self):
        import slow
    def keep(self): pass

loop.Publisher = Importing
stop = threading.Event()
thread = threading.Thread(target=loop._publish, args=(stop, threading.Event()), daemon=True)
thread.start()
while "slow" not in sys.modules:
    pass
child = os.fork()
if not child:
    signal.alarm(10)
    import slow
    os._exit(0 if slow.is_whole else 1)
status = os.waitpid(child, 0)[1]
stop.set()
thread.join()
sys.exit(os.waitstatus_to_exitcode(status))
"""


def test_it_can_fork_while_a_module_is_imported(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(0.3)\nis_whole = True\n")
    environment = {"PYTHONPATH": f"{tmp_path}:.", "DJANGO_SETTINGS_MODULE": "backend.settings", "DEBUG": "1"}
    command = [sys.executable, "-c", FORKS_DURING_AN_IMPORT]
    done = subprocess.run(command, env={**environment, "VAR_DIR": str(tmp_path)}, check=False, timeout=30)
    assert done.returncode == 0
