"""Changes of row rules are in the access log: they decide which rows a group sees."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from tests.support.registered import Api
from tests.text_to_sql.conftest import Target
from text_to_sql.models import RowRule, Table

pytestmark = pytest.mark.django_db


def test_each_change_is_noted(gateway: Client, api: Api, sqlite_target: Target, noted: Callable[[], list[Any]]) -> None:
    api.register(sqlite_target.owner)
    rule = RowRule.objects.create(
        table=Table.objects.get(name="visits"), group=Group.objects.create(name="north"), predicate="clinic = 'north'"
    )
    rule.predicate = "clinic = 'south'"
    rule.save()
    rule.delete()
    made, changed, deleted = [each for each in noted() if "row rule" in each.detail]
    assert (made.action, changed.action, deleted.action) == ("rights.create", "rights.change", "rights.delete")
    assert "clinic = 'north'" in made.detail
    assert "clinic = 'north'" in changed.detail
    assert "clinic = 'south'" in changed.detail
