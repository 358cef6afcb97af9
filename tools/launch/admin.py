"""Creates the first admin account on a developer's machine, with a random password, and prints where it is stored."""

import os
import secrets
from pathlib import Path

import django
from django.conf import settings
from django.contrib.auth import get_user_model

from tools.launch.addresses import url

USERNAME = "admin"


def make_first_admin(password_file: Path) -> None:
    """Creates the account unless a superuser exists. The password is stored before the account is created."""
    users = get_user_model().objects
    if users.filter(is_superuser=True).exists() or users.filter(username=USERNAME).exists():
        return
    password = secrets.token_urlsafe(18)
    password_file.unlink(missing_ok=True)
    password_file.touch(mode=0o600)
    password_file.write_text(f"{password}\n")
    users.create_superuser(USERNAME, password=password)


def how_to_sign_in(password_file: Path) -> str:
    """Returns one line of instructions, without the password."""
    place = f"sign in at {url('web')}/admin/"
    if password_file.exists() and get_user_model().objects.filter(username=USERNAME, is_superuser=True).exists():
        return f"{place} as {USERNAME}; to see the password: cat {password_file}"
    return f"{place}; for an account of your own: .venv/bin/python manage.py createsuperuser"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
    django.setup()
    kept = settings.VAR_DIR / "admin-password"
    if settings.DEBUG:
        make_first_admin(kept)
    print(how_to_sign_in(kept))
