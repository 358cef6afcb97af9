"""`python -m imaging.evaluation FILE`: writes the desk scene that ships with the project."""

import sys
from pathlib import Path

from imaging.evaluation.scenes import desk_scene

if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(desk_scene().jpeg)
