"""Which groups' rules for rows hold for a caller."""

from django.contrib.auth.models import Group, User
from rest_framework.exceptions import NotAuthenticated

from accounts.callers import Caller, caller_of_user
from common.conf import settings
from text_to_sql.exceptions import StatementRefused
from text_to_sql.permissions import RUN_SQL


def groups_of(caller: Caller) -> frozenset[int] | None:
    """The ids of the caller's groups, for the rules of rows; None if no rule holds for the caller."""
    if caller.is_superuser:
        return None
    return frozenset(Group.objects.filter(user__username=caller.name).values_list("id", flat=True))


def groups_now(name: str, then: frozenset[int] | None) -> frozenset[int] | None:
    """The groups of a job's caller: those of the request that the caller still has.

    A token may allow less than its user, so the request's count too. Raises `StatementRefused` if the caller may not
    run statements any more.
    """
    if not name and settings.API_AUTH == "open":
        return then
    caller = _caller(name)
    if caller is None or not caller.may(RUN_SQL):
        raise StatementRefused("The caller of this job may not run statements any more.")
    now = groups_of(caller)
    return now if then is None else then if now is None else then & now


def _caller(name: str) -> Caller | None:
    user = User.objects.filter(username=name).first()
    try:
        return caller_of_user(user) if user else None
    except NotAuthenticated:
        return None
