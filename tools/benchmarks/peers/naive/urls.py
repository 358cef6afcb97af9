"""The one form that this process has."""

import os
from importlib import import_module

urlpatterns = import_module(f"tools.benchmarks.peers.naive.{os.environ['NAIVE_FORM']}").urlpatterns
