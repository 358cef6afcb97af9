"""The roles that the gateway ships: groups of Django with their permissions. An administrator may change them."""

from collections.abc import Mapping
from typing import Any

from django.apps import apps as installed

from accounts.callers import ACCESS_ALL_DOCTORS

ROLES: Mapping[str, tuple[str, ...]] = {
    "clinician": (
        "ml_proxy.add_inferencelog",
        "ml_proxy.view_inferencelog",
        "ml_proxy.add_feedback",
        "ml_proxy.view_feedback",
        "mlflow.add_mlflowoutbox",
    ),
    "reviewer": (
        ACCESS_ALL_DOCTORS,
        "ml_proxy.view_inferencelog",
        "ml_proxy.add_feedback",
        "ml_proxy.view_feedback",
        "mlflow.add_mlflowoutbox",
    ),
    "trainer": (
        ACCESS_ALL_DOCTORS,
        "jobs.add_job",
        "jobs.view_job",
        "jobs.change_job",
        "jobs.view_payload",
        "ml_proxy.view_feedback",
        "ml_proxy.export_dataset",
        "ml_proxy.promote_model",
    ),
    "operator": (
        "ml_proxy.view_metrics",
        "jobs.view_job",
        "recording.view_disposition",
        "accounts.view_apitoken",
    ),
    "auditor": (
        ACCESS_ALL_DOCTORS,
        "ml_proxy.view_inferencelog",
        "ml_proxy.view_feedback",
        "ml_proxy.export_dataset",
        "jobs.view_job",
        "jobs.view_payload",
        "recording.view_disposition",
        "ml_proxy.view_metrics",
        "accounts.view_accesslog",
        "accounts.view_apitoken",
        "accounts.view_profile",
        "auth.view_user",
        "auth.view_group",
        "text_to_sql.view_database",
        "text_to_sql.view_queryexecutionlog",
        "imaging.view_providercall",
        "text_to_sql.view_llmlog",
    ),
    "analyst": ("text_to_sql.view_database", "text_to_sql.add_queryexecutionlog"),
    "designer": ("imaging.add_providercall",),
    "service": ("ml_proxy.add_inferencelog",),
}


def create_roles(app_config: Any, using: str, apps: Any = installed, **_: object) -> None:
    """Gives the roles the permissions of an app, after its migrations. Repeatable: each permission is given once ever.

    So it does not undo what an administrator changed: neither additions, nor what was taken away.
    """
    try:
        grants = apps.get_model("accounts", "RoleGrant").objects.using(using)
        groups, permissions = (apps.get_model("auth", name).objects.using(using) for name in ("Group", "Permission"))
    except LookupError:  # not migrated that far
        return
    label = app_config.label
    wanted = {(role, name) for role, names in ROLES.items() for name in names if name.startswith(f"{label}.")}
    wanted -= set(grants.values_list("role", "permission")) if wanted else set()
    if not wanted:
        return
    codenames = {name.partition(".")[2] for _, name in wanted}
    known = {each.codename: each for each in permissions.filter(content_type__app_label=label, codename__in=codenames)}
    for role, name in sorted(wanted):
        if permission := known.get(name.partition(".")[2]):  # a model may come with a later version
            groups.get_or_create(name=role)[0].permissions.add(permission)
            grants.get_or_create(role=role, permission=name)
