"""Names of models and versions as parts of the model server's paths."""

import re

SEGMENT = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$")  # so a dot segment can't lead to another path
