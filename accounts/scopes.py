"""The scopes of API tokens, and what each allows. A token may do what both its user and its scopes may."""

from collections.abc import Iterable, Mapping

from accounts.callers import ACCESS_ALL_DOCTORS

SCOPES: Mapping[str, frozenset[str]] = {
    "predict": frozenset({"ml_proxy.add_inferencelog"}),
    "history": frozenset({"ml_proxy.view_inferencelog", "ml_proxy.view_feedback"}),
    "feedback": frozenset({"ml_proxy.add_feedback", "ml_proxy.view_feedback"}),
    "export": frozenset({"ml_proxy.view_inferencelog", "ml_proxy.view_feedback", "ml_proxy.export_dataset"}),
    "jobs": frozenset({"jobs.add_job", "jobs.view_job", "jobs.change_job", "jobs.view_payload"}),
    "models": frozenset({"ml_proxy.promote_model"}),
    "metrics": frozenset({"ml_proxy.view_metrics"}),
    "mlflow": frozenset({"mlflow.add_mlflowoutbox", "ml_proxy.view_inferencelog"}),
    "sql": frozenset({"text_to_sql.view_database", "text_to_sql.add_queryexecutionlog"}),
    "images": frozenset({"imaging.add_providercall"}),
    "access-log": frozenset({"accounts.view_accesslog"}),
}


class UnknownScope(ValueError):
    """There is no such scope. The message lists those that exist."""


def canonical(names: Iterable[str]) -> str:
    """Scopes as a token stores them: sorted, separated by blanks. Raises `UnknownScope`."""
    wanted = {name.strip() for name in names} - {""}
    if unknown := sorted(wanted - SCOPES.keys()):
        raise UnknownScope(f"{', '.join(unknown)}: no such scope. There are {', '.join(SCOPES)}")
    return " ".join(sorted(wanted))


def permissions_of(scopes: str) -> frozenset[str]:
    """The permissions of a token's scopes; of one that does not exist any more, none.

    A token's rows are those of its user, so each scope keeps the permission to see all doctors' rows.
    """
    return frozenset({ACCESS_ALL_DOCTORS}.union(*(SCOPES.get(name, ()) for name in scopes.split())))
