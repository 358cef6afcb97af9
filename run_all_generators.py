"""`python -m run_all_generators`: the same as `manage.py generate_test_databases --register`, with its options."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
    options = sys.argv[1:] or ["--register"]
    execute_from_command_line([sys.argv[0], "generate_test_databases", *options])
