"""The URL patterns of the form that NAIVE_FORM selects."""

import os
from importlib import import_module

urlpatterns = import_module(f"tools.benchmarks.peers.naive.{os.environ['NAIVE_FORM']}").urlpatterns
