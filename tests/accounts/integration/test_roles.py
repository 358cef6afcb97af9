"""The roles that the gateway ships: created by migrations, and an administrator's changes stay."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.db.models.signals import post_migrate

from accounts.models import RoleGrant
from accounts.roles import ROLES

pytestmark = pytest.mark.django_db


def names_of(role: str) -> set[str]:
    found = Permission.objects.filter(group__name=role).values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in found}


def migrate_again() -> None:
    for config in apps.get_app_configs():
        post_migrate.send(config, app_config=config, verbosity=0, interactive=False, using="default")


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_its_permissions(role: str) -> None:
    missing = set(ROLES[role]) - names_of(role)
    assert missing <= {"accounts.view_accesslog"}  # until its table is there
    assert names_of(role) <= set(ROLES[role])


def test_what_an_administrator_changed_stays() -> None:
    clinician = Group.objects.get(name="clinician")
    clinician.permissions.remove(Permission.objects.get(codename="add_feedback"))
    clinician.permissions.add(Permission.objects.get(codename="export_dataset"))
    Group.objects.create(name="ours")
    before = names_of("clinician")
    migrate_again()
    assert names_of("clinician") == before
    assert Group.objects.filter(name="ours").exists()


def test_a_permission_that_comes_with_a_later_version_is_given_then() -> None:
    Group.objects.get(name="trainer").delete()
    RoleGrant.objects.filter(role="trainer").delete()
    migrate_again()
    assert names_of("trainer") == set(ROLES["trainer"])


def test_only_the_auditor_reads_everything_and_nobody_changes_the_log() -> None:
    assert not [name for names in ROLES.values() for name in names if "delete_" in name or ".change_inference" in name]
    assert not [name for name in ROLES["auditor"] if not name.split(".")[1].startswith(("view_", "access_", "export_"))]
