"""Which user an identity is, and which roles its groups give: see `docs/adr/0023-identity-provider.md`."""

import logging
from collections.abc import Mapping
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext

from accounts.models import Profile
from accounts.oidc.exceptions import NoAccount
from common import person_names
from common.normalization import normalized

log = logging.getLogger(__name__)

EMAIL = "email"


def needed_claims() -> frozenset[str]:
    """The first names of the claims that a sign-in reads."""
    names = [settings.OIDC_USERNAME_CLAIM, settings.OIDC_GROUPS_CLAIM, settings.OIDC_DOCTOR_CLAIM]
    names += [settings.OIDC_LINK_CLAIM, *(["email_verified"] if settings.OIDC_LINK_CLAIM == EMAIL else [])]
    return frozenset(name for name in names if name)


@transaction.atomic
def user_of(account: SocialAccount, claims: Mapping[str, Any]) -> User:
    """The active user of an identity, with its roles brought up to date. Links or creates one at the first sign-in.

    Raises `NoAccount`.
    """
    user: User = account.user if account.pk else _first_sign_in(account, claims)
    if not user.is_active:
        raise NoAccount(
            "the user is not active", detail=_with_contact(gettext("Your account is closed. Ask %(contact)s."))
        )
    _set_roles(user, _texts(claim(claims, settings.OIDC_GROUPS_CLAIM)))
    if settings.OIDC_DOCTOR_CLAIM:
        _set_doctor(user, claim(claims, settings.OIDC_DOCTOR_CLAIM))
    return user


def claim(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, or by the path to a nested one, such as `realm_access.roles`. None if there is none."""
    if not name or name in claims:
        return claims.get(name)
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _first_sign_in(account: SocialAccount, claims: Mapping[str, Any]) -> User:
    user = _linkable(claims) or _new_user(claims)
    account.user = user
    account.save()
    return user


def _linkable(claims: Mapping[str, Any]) -> User | None:
    """The one local user whom OIDC_LINK_CLAIM names and who may be linked without being asked."""
    value = claim(claims, settings.OIDC_LINK_CLAIM)
    if not isinstance(value, str) or not value or "\0" in value:
        return None
    if settings.OIDC_LINK_CLAIM == EMAIL:
        is_verified = claims.get("email_verified") is True
        found = list(User.objects.filter(email__iexact=value)[:2]) if is_verified else []
        found = found if all(_is_same(user.email, value) for user in found) else []
    else:
        found = list(User.objects.filter(username=value))
    if len(found) != 1:
        return None
    [user] = found
    if user.is_staff or user.is_superuser or SocialAccount.objects.filter(user=user).exists():
        raise _taken()
    return user


def _is_same(mine: str, theirs: str) -> bool:
    """Whether two addresses are one. A database may take letters for equal that are not, such as a dotless i for I."""
    return normalized("NFKC", mine).casefold() == normalized("NFKC", theirs).casefold()


def _new_user(claims: Mapping[str, Any]) -> User:
    name = claim(claims, settings.OIDC_USERNAME_CLAIM)
    if not isinstance(name, str) or not name.strip():
        raise _unusable(f"the claim {settings.OIDC_USERNAME_CLAIM} (OIDC_USERNAME_CLAIM) is missing")
    user = User(username=normalized("NFKC", name.strip()))
    user.set_unusable_password()
    try:
        user.clean_fields(exclude=["password"])
    except ValidationError as exc:
        raise _unusable("the user name is too long, or has characters that no name here may have") from exc
    if User.objects.filter(username__iexact=user.username).exists():
        raise _taken()
    user.save()
    return user


def _unusable(reason: str) -> NoAccount:
    text = gettext("The identity provider sent no user name that can be used here. Ask %(contact)s.")
    return NoAccount(reason, detail=_with_contact(text))


def _taken() -> NoAccount:
    text = gettext("There is an account with your name already. Ask %(contact)s to link it to you.")
    return NoAccount("an account with this name exists and is not linked to this identity", detail=_with_contact(text))


def _with_contact(text: str) -> str:
    return text % {"contact": gettext(settings.SIGN_IN_CONTACT)}


def _set_roles(user: User, groups: frozenset[str]) -> None:
    """Gives and takes the roles that OIDC_ROLES names. All others stay as the administrator set them."""
    mapped = frozenset(settings.OIDC_ROLES.values())
    wanted = frozenset(role for group, role in settings.OIDC_ROLES.items() if group in groups)
    existing = {group.name: group for group in Group.objects.filter(name__in=mapped)}
    if missing := sorted(mapped - existing.keys()):
        log.warning("OIDC_ROLES names roles that do not exist: %s", ", ".join(missing))
    user.groups.remove(*(group for name, group in existing.items() if name not in wanted))
    user.groups.add(*(group for name, group in existing.items() if name in wanted))


def _set_doctor(user: User, name: Any) -> None:
    """Sets the doctor's name in predictions. Without the claim it is empty, and the user name counts."""
    try:
        doctor = person_names.canonical(name) if isinstance(name, str) else ""
    except person_names.BadName:
        log.warning(
            "the claim %s (OIDC_DOCTOR_CLAIM) is no name that a prediction can have", settings.OIDC_DOCTOR_CLAIM
        )
        doctor = ""
    Profile.objects.update_or_create(user=user, defaults={"doctor_name": doctor})


def _texts(value: Any) -> frozenset[str]:
    values = value if isinstance(value, list) else [value]
    return frozenset(item for item in values if isinstance(item, str))
