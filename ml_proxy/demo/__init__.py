"""Fills the log for demonstrations, with invented people and real answers of the model server.

All people are synthetic; `people` combines names from lists. Each such row has the `caller` `CALLER`.
"""

from ml_proxy.demo.answers import CannotSeed, Exchange, ask_model
from ml_proxy.demo.seeding import CALLER, MAX_DAYS, Plan, write

__all__ = ["CALLER", "MAX_DAYS", "CannotSeed", "Exchange", "Plan", "ask_model", "write"]
