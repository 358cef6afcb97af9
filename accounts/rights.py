"""Reads what users may do and whose records they may see; a few statements for any number of users."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group, Permission, User

from accounts import scopes
from accounts.callers import ACCESS_ALL_DOCTORS, Caller
from accounts.models import ApiToken, Profile
from common import person_names

SERVICE = "service"  # the role whose members predict for others only
CHUNK = 1000  # values of one statement


@dataclass(frozen=True)
class Rights:
    """What an active user may do. `doctors` are the doctors whose records the user may see; None is all."""

    user_id: int
    username: str
    password: str  # the encoded hash
    is_superuser: bool
    permissions: frozenset[str]
    doctors: frozenset[str] | None

    def as_caller(self, token: ApiToken | None = None) -> Caller:
        """The caller with these rights, restricted by the scopes of the token."""
        token_id = str(token.pk) if token else ""
        if token is None or not token.scopes:
            return Caller(self.username, self.permissions, self.is_superuser, self.doctors, token_id)
        allowed = scopes.permissions_of(token.scopes)
        permissions = allowed if self.is_superuser else self.permissions & allowed
        return Caller(self.username, permissions, is_superuser=False, doctors=self.doctors, token_id=token_id)


def rights_of(user_ids: Collection[int]) -> dict[int, Rights]:
    """The rights of those users who exist and are active, by id. Raises Django's database errors."""
    found: dict[int, Rights] = {}
    for ids in chunks(user_ids):
        users = list(User.objects.filter(pk__in=ids, is_active=True))
        groups = _groups_of(ids)
        permissions = _permissions_of(ids, groups)
        profiles = {profile.user_id: profile for profile in Profile.objects.filter(user_id__in=ids)}
        for user in users:
            own = frozenset(permissions[user.pk])
            is_service = any(name == SERVICE for _, name in groups[user.pk])
            sees_all = user.is_superuser or ACCESS_ALL_DOCTORS in own
            doctors = None if sees_all else _doctors(user, profiles.get(user.pk), is_service=is_service)
            found[user.pk] = Rights(user.pk, user.username, user.password, user.is_superuser, own, doctors)
    return found


def chunks(values: Collection[Any]) -> Iterator[list[Any]]:
    """The values in lists that one statement can take."""
    every = list(values)
    return (every[start : start + CHUNK] for start in range(0, len(every), CHUNK))


def _groups_of(ids: Collection[int]) -> dict[int, list[tuple[int, str]]]:
    """The ids and names of the groups of each user."""
    found: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for user_id, group_id, name in Group.objects.filter(user__in=ids).values_list("user", "id", "name"):
        found[user_id].append((group_id, name))
    return found


def _permissions_of(ids: Collection[int], groups: dict[int, list[tuple[int, str]]]) -> dict[int, set[str]]:
    """The permissions of each user, those of the groups included."""
    columns = ("content_type__app_label", "codename")
    of_users: dict[int, set[str]] = defaultdict(set)
    for user_id, app, codename in Permission.objects.filter(user__in=ids).values_list("user", *columns):
        of_users[user_id].add(f"{app}.{codename}")
    group_ids = {group_id for each in groups.values() for group_id, _ in each}
    of_groups: dict[int, set[str]] = defaultdict(set)
    for group_id, app, codename in Permission.objects.filter(group__in=group_ids).values_list("group", *columns):
        of_groups[group_id].add(f"{app}.{codename}")
    for user_id, each in groups.items():
        of_users[user_id].update(*(of_groups[group_id] for group_id, _ in each))
    return of_users


def _doctors(user: User, profile: Profile | None, *, is_service: bool) -> frozenset[str]:
    """A service has no name of its own: it predicts for the doctors that its profile lists."""
    own = "" if is_service else (profile and profile.doctor_name) or user.get_full_name() or user.username
    return frozenset(_canonical(own, *(profile.acts_for.splitlines() if profile else ())))


def _canonical(*names: str) -> Iterator[str]:
    """The names in canonical form, without those that no prediction can have."""
    for name in names:
        try:
            yield person_names.canonical(name)
        except person_names.BadName:
            continue
