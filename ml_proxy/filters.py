"""Query parameters of the log's paths."""

from common import person_names
from common.query_params import SPAN, Readers
from ml_proxy.source import INFERENCES

HISTORY_FILTERS: Readers = {**{name: (name, each.read) for name, each in INFERENCES.filters.items()}, **SPAN}
OF_MODEL: Readers = {"model": ("model", person_names.exact), **SPAN}
