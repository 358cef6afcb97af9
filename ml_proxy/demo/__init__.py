"""Fills the log for a demonstration: invented people, real answers of the model server.

Everybody in it is synthetic; `people` puts names together from lists. Each row says so by its `caller`, `CALLER`.
"""

from ml_proxy.demo.answers import CannotSeed, Exchange, ask_model
from ml_proxy.demo.seeding import CALLER, MAX_DAYS, Plan, write

__all__ = ["CALLER", "MAX_DAYS", "CannotSeed", "Exchange", "Plan", "ask_model", "write"]
