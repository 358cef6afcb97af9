"""What every worker does before and after its tasks."""

import pytest
from celery import signals
from django.db import connection
from pytest_django import Settings

import worker.app
from jobs.models import Job

pytestmark = pytest.mark.django_db


def test_it_keeps_no_statements_under_debug(settings: Settings) -> None:
    settings.DEBUG = True
    Job.objects.count()
    assert connection.queries
    answers = signals.task_postrun.send(sender=None)
    assert worker.app.forget_statements in [receiver for receiver, _ in answers]
    assert not connection.queries
