"""Notes changes of rights: accounts, groups, their permissions, API tokens, and the models that other apps `watch`.

Signals are the one place that the admin, the API and commands all pass. Bulk statements such as `QuerySet.update` send
none: a change of rights that is made so is not noted. The product makes none so.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save

from accounts.access_log.notes import account_of, note_of_account
from accounts.models import ApiToken, Profile
from common.access import current_request

# Of an account. A change of any other field is no change of rights. Without a profile the full name decides whose rows
# an account sees; by the e-mail address an identity of the hospital may be linked to it.
FIELDS = ("username", "first_name", "last_name", "email", "is_active", "is_staff", "is_superuser", "password")
SECRET = "password"  # noqa: S105 - the field's name
_CHANGES = {"post_add": "added", "post_remove": "removed"}
_BEFORE = "_rights_before"  # set on an instance between `pre_save` and `post_save`


def connect() -> None:
    """Connects the signals."""
    user = get_user_model()
    models: list[Any] = [user, Group, ApiToken, Profile]
    for model in models:
        watch(model)
    links = (user.groups.through, user.user_permissions.through, Group.permissions.through)
    for link in links:
        m2m_changed.connect(_on_links, sender=link, dispatch_uid=f"rights.{link.__name__}")


def watch(model: type[Model]) -> None:
    """Notes changes of this model's rows from now on: it decides who may do or see what."""
    pre_save.connect(_before_save, sender=model, dispatch_uid=f"rights.before.{model.__name__}")
    post_save.connect(_on_save, sender=model, dispatch_uid=f"rights.save.{model.__name__}")
    post_delete.connect(_on_delete, sender=model, dispatch_uid=f"rights.delete.{model.__name__}")


def _before_save(sender: type[Model], instance: Any, raw: bool = False, **_: Any) -> None:
    """Remembers what the row was."""
    found = None if raw or instance._state.adding else sender._default_manager.filter(pk=instance.pk).first()  # noqa: SLF001
    setattr(instance, _BEFORE, _values(found) if found else {})


def _on_save(sender: type[Model], instance: Any, created: bool, raw: bool = False, **_: Any) -> None:
    before = vars(instance).pop(_BEFORE, {})
    if raw:  # a fixture
        return
    if created:
        _note(instance, "create", f"created {_named(instance)}{_given(instance)}")
        return
    changes = [
        f"{name} {'changed' if name == SECRET else f'{before.get(name)!r} to {value!r}'}"
        for name, value in _values(instance).items()
        if before.get(name) != value
    ]
    if changes:
        _note(instance, "change", f"{_named(instance)}: {', '.join(changes)}")


def _on_delete(instance: Any, **_: Any) -> None:
    _note(instance, "delete", f"deleted {_named(instance)}")


def _on_links(
    instance: Any, action: str, reverse: bool, model: type[Model], pk_set: Iterable[Any] | None, **_: Any
) -> None:
    """Groups or permissions were given to, or taken from, an account or a group."""
    if action == "pre_clear":
        _note(instance, "change", f"{_named(instance)}: removed all {model._meta.verbose_name_plural}")  # noqa: SLF001
    elif action in _CHANGES and pk_set:
        others = ", ".join(sorted(map(_named, model._default_manager.filter(pk__in=pk_set))))  # noqa: SLF001
        _note(instance, "change", f"{_named(instance)}: {_CHANGES[action]} {others}")


def _values(instance: Any) -> dict[str, Any]:
    """What decides about rights. A group has a name; a token has everything but when it was last used and its hash."""
    if isinstance(instance, get_user_model()):
        return {name: getattr(instance, name) for name in FIELDS}
    fields = (field.attname for field in instance._meta.concrete_fields)  # noqa: SLF001
    return {name: getattr(instance, name) for name in fields if not any(word in name for word in _UNTOLD)}


_UNTOLD = ("hash", "digest", "secret", "key", "last_used", "last_login")


def _given(instance: Any) -> str:
    """What a new row gives, unless its name says all: of an account or group, only later changes give something."""
    if isinstance(instance, (get_user_model(), Group)):
        return ""
    primary, own = instance._meta.pk.attname, {"user_id"}  # noqa: SLF001
    given = (f"{name} {value!r}" for name, value in _values(instance).items() if value not in (None, "", {}))
    return f": {', '.join(text for text in given if text.partition(' ')[0] not in {primary, *own})}"


def _named(instance: Any) -> str:
    """An account or group by name, a permission as `app.codename`, a token by its id."""
    kind = str(instance._meta.verbose_name)  # noqa: SLF001
    if hasattr(instance, "codename"):
        return f"{kind} {instance.content_type.app_label}.{instance.codename}"
    name = instance.get_username() if hasattr(instance, "get_username") else getattr(instance, "name", "")
    if kind == str(Group._meta.verbose_name) or hasattr(instance, "get_username"):  # noqa: SLF001
        return f"{kind} {name}"
    owner = getattr(instance, "user", None)
    return f"{kind} {instance.pk}" + (f" of {owner.get_username()}" if owner is not None else "")


@contextmanager
def unnoted() -> Iterator[None]:
    """Changes in the block are the product's own, and are not noted."""
    token = _is_unnoted.set(True)
    try:
        yield
    finally:
        _is_unnoted.reset(token)


_is_unnoted: ContextVar[bool] = ContextVar("is_unnoted", default=False)


def _note(instance: Any, verb: str, detail: str) -> None:
    if _is_unnoted.get():
        return
    request = current_request.get()
    account, token_id = account_of(request)
    note_of_account(request, f"rights.{verb}", account, token_id=token_id, reason=detail)
