"""Creates the first admin account on a developer's machine, with a random password, and prints where it is stored."""

import os
import secrets
import shlex

import django
from django.conf import settings
from django.contrib.auth import get_user_model

from accounts.local_admin import USERNAME, password_file
from tools.launch.addresses import url


def make_first_admin() -> None:
    """Creates the account unless a superuser exists. The password is stored before the account is created."""
    users = get_user_model().objects
    if users.filter(is_superuser=True).exists() or users.filter(username=USERNAME).exists():
        return
    password, file = secrets.token_urlsafe(18), password_file()
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text(f"{password}\n")
    users.create_superuser(USERNAME, password=password)


def how_to_sign_in() -> str:
    """Returns one line of instructions, without the password."""
    place = f"sign in at {url('web')}/accounts/login/"
    if password_file().exists() and get_user_model().objects.filter(username=USERNAME, is_superuser=True).exists():
        click = "with one click" if settings.API_AUTH == "open" else f"as {USERNAME}"
        return f"{place} {click}; to see the password of {USERNAME}: cat {shlex.quote(str(password_file()))}"
    return f"{place}; for an account of your own: .venv/bin/python manage.py createsuperuser"


def how_to_see_data() -> str:
    """Returns one line that offers demo data if the log is empty, otherwise nothing."""
    from ml_proxy.models import InferenceLog  # noqa: PLC0415 - models load once Django is set up

    if InferenceLog.objects.exists():
        return ""
    return "the log is empty; for synthetic demo data: .venv/bin/python manage.py seed_demo --rows 2000"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
    django.setup()
    if settings.DEBUG:
        make_first_admin()
    print(how_to_sign_in())
    if offer := how_to_see_data():
        print(offer)
