"""docs/architecture.md names the code that runs during one prediction, from the view to the row."""

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import redis
from django.test import Client, RequestFactory

from ml_proxy.models import InferenceLog
from ml_proxy.views.predict import predict_view
from recording.journal import journal_folder
from recording.tasks import write_records
from tests.support.architecture import APPS, covers, module_of, names, walk
from tests.support.record_pipeline import publisher, take_messages
from tests.support.system import ROOT

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

PREDICTION = "Walk of a prediction"
ONCE = {"common.redis_server", "common.url_credentials"}  # REDIS_URL is read once a process
BODY = '{"doctor_name": "Dr. Synthetic", "patient_name": "Synthetic", "features": [1]}'


@contextmanager
def called_files(found: set[str]) -> Iterator[None]:
    """Adds the project's files in which a function is called in the block, in this thread."""

    def note(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        path = Path(code.co_filename)
        if event == "call" and code.co_flags & inspect.CO_OPTIMIZED and path.is_relative_to(ROOT):
            found.add(str(path.relative_to(ROOT)))

    before: Callable[..., Any] | None = sys.getprofile()
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(before)


def predict_to_row(broker: redis.Redis) -> None:
    """One prediction, and what publisher and worker do with its record."""
    request = RequestFactory().post("/ml/v1/predict/", BODY, content_type="application/json")
    assert predict_view(request).status_code == 200
    publishing = publisher(journal_folder())
    publishing.step()
    [message] = take_messages(broker)
    write_records.run(**message)  # not through the application, which only a worker has
    publishing.step()
    assert not publishing.is_waiting


def test_nothing_runs_that_the_page_does_not_name(gateway: Client, broker: redis.Redis) -> None:
    found: set[str] = set()
    with called_files(found):
        predict_to_row(broker)
    assert InferenceLog.objects.count() == 1
    modules = {module_of(file) for file in found if file.split("/")[0] in APPS}
    modules = {module for module in modules if not any(covers(name, module) for name in ONCE)}
    walked = {module_of(step.file) for step in walk(PREDICTION)}
    known = [*walked, *names(PREDICTION, "Support"), *names(PREDICTION, "Beside"), *names(PREDICTION, "Hooks")]
    assert not {module for module in modules if not any(covers(name, module) for name in known)}
    without_functions = {"ml_proxy.models", "ml_proxy.source", "recording.models"}  # a prediction calls none of theirs
    assert walked - without_functions <= modules
    assert all(any(covers(name, module) for module in modules) for name in known if name not in without_functions)
    others = names(PREDICTION, "In other cases")
    assert not {module for module in modules if any(covers(name, module) for name in others)}
