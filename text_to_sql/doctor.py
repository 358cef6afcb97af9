"""The doctor's check of the language model."""

from http import HTTPStatus

from django.conf import settings

from common import doctor
from common.doctor import NotSet, Wrong


def language_model() -> str:
    """Asks for the list of models, which costs nothing. Raises `Wrong` or `NotSet`."""
    if not settings.LLM_BASE_URL:
        raise NotSet("LLM_BASE_URL")
    headers = {"Authorization": f"Bearer {settings.LLM_API_KEY}"} if settings.LLM_API_KEY else {}
    answer = doctor.get(f"{settings.LLM_BASE_URL}/models", headers, setting="LLM_BASE_URL")
    if answer.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise Wrong(f"answers {answer.status_code}", "Correct LLM_API_KEY.")
    if answer.status_code == HTTPStatus.NOT_FOUND:  # some servers have no list
        return "answers, lists no models"
    if not answer.ok:
        raise Wrong(
            f"answers {answer.status_code}", "Look at its log, or correct LLM_BASE_URL, which often ends in /v1."
        )
    if (names := _names(answer.text and answer.json())) and settings.LLM_MODEL not in names:
        raise Wrong(f"does not have the model {settings.LLM_MODEL}", f"Set LLM_MODEL to one of {', '.join(names[:5])}.")
    return f"serves {settings.LLM_MODEL}"


def _names(body: object) -> list[str]:
    data = body.get("data") if isinstance(body, dict) else None
    return [str(each.get("id")) for each in data if isinstance(each, dict)] if isinstance(data, list) else []
