"""Query parameters of the history, export and feedback paths."""

from common import person_names
from common.query_params import SPAN, Readers
from ml_proxy.source import INFERENCES

HISTORY_FILTERS: Readers = {**{name: (name, each.read) for name, each in INFERENCES.filters.items()}, **SPAN}
MODEL_FILTERS: Readers = {"model": ("model", person_names.exact), **SPAN}
