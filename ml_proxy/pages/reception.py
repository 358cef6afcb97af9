"""`/reception/`: the newest inferences, and `/reception/{id}/`: one of them, with a form for the verdict."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from accounts.access_log import purpose_of
from accounts.callers import Caller, caller_of_user
from accounts.pages.query_errors import shown_errors
from accounts.throttling import limit
from attachments.links import links
from common.access import note_rows
from common.exceptions import BadInput, NoSuchRecord, Unavailable
from common.json_format import indented
from common.page_language import in_callers_language
from common.query_params import Readers, cursor, read_query
from common.request_body import require_method
from common.strict_json import NotJSON
from ml_proxy import history
from ml_proxy.answers import Prediction, predictions
from ml_proxy.filters import HISTORY_FILTERS
from ml_proxy.history import Cursor, Page, wanted
from ml_proxy.model_classes import MODEL_CLASSES, Texts
from ml_proxy.models import Feedback
from ml_proxy.pages.forms import VerdictForm
from ml_proxy.permissions import GIVE_FEEDBACK, READ_FEEDBACK, READ_HISTORY
from ml_proxy.records import SOURCE
from ml_proxy.rows import Row

PER_PAGE = 25
SHOWN_CHARS = 20_000  # of an input, and of an answer
NAMES = ("doctor", "patient")
_READERS: Readers = {
    **{name: HISTORY_FILTERS[name] for name in NAMES},
    "cursor": ("after", cursor(Cursor.of)),
}


@csrf_exempt  # it changes nothing, and a wrong method must get a 405, also from who is not signed in
@never_cache
def reception(request: HttpRequest) -> HttpResponse:
    """Shows one page of inferences, newest first. The look is noted. Raises `PermissionDenied`."""
    require_method(request, "GET", "HEAD")
    return _newest(request)


@login_required
@in_callers_language
def _newest(request: HttpRequest) -> HttpResponse:
    caller = _caller(request)
    asked = {name: str(request.GET.get(name, "")) for name in NAMES}
    try:
        query = read_query(request, _READERS)
    except BadInput as exc:
        context = {"wide": True, "asked": asked, "errors": shown_errors(exc)}
        return render(request, "ml_proxy/reception.html", context, status=exc.status)
    page = history.page(wanted(scope=caller.doctors, limit=PER_PAGE, **query))
    if _is_translated():
        MODEL_CLASSES.look({(row.model_name, row.model_version) for row in page.rows})
    note_rows(request, "inference.list", page.rows, query)
    return render(request, "ml_proxy/reception.html", {"wide": True, "asked": asked, **_listed(page, asked, caller)})


@never_cache
@login_required
@in_callers_language
def reception_one(request: HttpRequest, inference_id: UUID) -> HttpResponse:
    """Shows one inference, or stores a verdict on it. Raises `PermissionDenied` or `Http404`."""
    require_method(request, "GET", "HEAD", "POST")
    caller = _caller(request)
    if request.method == "POST" and not caller.may(GIVE_FEEDBACK):
        raise PermissionDenied
    purpose_of(request)
    try:
        page = history.page_of_one(inference_id, caller.doctors)
    except NoSuchRecord as exc:
        raise Http404 from exc
    form = _form(request, page.rows[0])
    if request.method == "POST" and form.is_valid() and form.submit(inference_id, caller):
        note_rows(request, "feedback.create", page.rows, {"inference": inference_id})
        return HttpResponseRedirect(f"{reverse('reception-one', args=[inference_id])}?saved=1")
    note_rows(request, "inference.read", page.rows, {"id": inference_id})
    return render(request, "ml_proxy/reception_one.html", _described(request, page, form, caller))


def _caller(request: HttpRequest) -> Caller:
    caller = caller_of_user(request.user)
    if not caller.may(READ_HISTORY):
        raise PermissionDenied
    vars(request)["caller"] = caller
    limit(request, "history")
    return caller


def _listed(page: Page, asked: dict[str, str], caller: Caller) -> dict[str, Any]:
    verdicts = _verdicts([row.id for row in page.rows]) if caller.may(READ_FEEDBACK) else {}
    chosen = {name: value for name, value in asked.items() if value.strip()}
    return {
        "rows": [
            {"row": row, "top": _top(row), "verdict": verdicts.get(row.id), "texts": _texts(row)} for row in page.rows
        ],
        "has_verdicts": caller.may(READ_FEEDBACK),
        "older": urlencode({**chosen, "cursor": page.next.opaque()}) if page.next else "",
        "newest": urlencode(chosen),
    }


def _verdicts(inference_ids: list[UUID]) -> dict[UUID, Feedback]:
    """The newest verdict on each inference."""
    found = Feedback.objects.filter(inference_id__in=inference_ids).order_by("position")
    return {each.inference_id: each for each in found}


def _form(request: HttpRequest, row: Row) -> VerdictForm:
    top = _top(row)
    posted = request.POST if request.method == "POST" else None
    classes = _classes(row)  # before the texts, which the same answer of the model server tells
    return VerdictForm(posted, classes=classes, own_label=top.label if top else None, texts=_texts(row))


def _classes(row: Row) -> Sequence[str] | None:
    """The model's classes; None if they are unknown, or the model server is away: then the form takes any text."""
    try:
        return MODEL_CLASSES.of(row.model_name, row.model_version)
    except Unavailable:
        return None


def _texts(row: Row) -> Texts:
    """What to show for the model's labels, as far as that is remembered."""
    language = get_language() or settings.LANGUAGE_CODE
    return MODEL_CLASSES.texts(row.model_name, row.model_version, language) if _is_translated() else {}


def _is_translated() -> bool:
    """Whether the reader's language is not that of the labels. The console too shows those as they are in English."""
    return get_language() != settings.LANGUAGE_CODE


def _described(request: HttpRequest, page: Page, form: VerdictForm, caller: Caller) -> dict[str, Any]:
    row: Row = page.rows[0]
    columns = {row_id: column for row_id, (column,) in page.hidden.items()}
    verdicts = Feedback.objects.filter(inference_id=row.id).order_by("-position")[:PER_PAGE]
    return {
        "row": row,
        "predictions": _predictions(row),
        "texts": _texts(row),
        "input": indented(row.input_data, SHOWN_CHARS),
        "files": links(SOURCE, columns).get(row.id, []) if columns else [],
        "verdicts": verdicts if caller.may(READ_FEEDBACK) else None,
        "form": form if caller.may(GIVE_FEEDBACK) else None,
        "is_saved": "saved" in request.GET,
    }


def _top(row: Row) -> Prediction | None:
    found = _predictions(row)
    return found[0] if found else None


def _predictions(row: Row) -> list[Prediction]:
    try:
        return predictions(row.output_data)
    except NotJSON:  # a large answer that can't be read from the storage now
        return []
