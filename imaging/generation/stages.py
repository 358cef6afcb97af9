"""The stages of a job: fetch, classify, describe, draw, store, products."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final, TypeVar

from common.exceptions import GatewayError
from imaging import calls, fetching, pictures
from imaging.calls import Origin
from imaging.exceptions import NotADesk
from imaging.generation import files
from imaging.generation.paid_calls import PaidExchange
from imaging.pictures import Picture
from imaging.services import DRAWERS
from imaging.services.desk_classify import DESK_CLASSIFY, Classification
from imaging.services.image_generation import Draft
from imaging.services.interface import Kind, Usage
from imaging.services.product_search import PRODUCT_SEARCH
from imaging.services.vision2text import VISION2TEXT, Seen
from jobs.heartbeat import Heartbeat
from jobs.models import Job
from jobs.stages import Outputs, Stage, Stopped

log = logging.getLogger(__name__)

ACCEPTED: Final = "accepted"
FETCH: Final = "fetch"
CLASSIFY: Final = "classify"
DESCRIBE: Final = "describe"
DRAW: Final = "draw"
STORE: Final = "store"
PRODUCTS: Final = "products"
NAMES: Final = (FETCH, CLASSIFY, DESCRIBE, DRAW, STORE, PRODUCTS)

MOST_KEYWORDS = 8

Given = TypeVar("Given")
Made = TypeVar("Made")


class Run:
    """One attempt of one job."""

    def __init__(self, job: Job, heartbeat: Heartbeat) -> None:
        self._job, self._heartbeat = job, heartbeat
        self._params = json.loads(job.params)
        self._pictures: dict[str, Picture] = {}  # by their keys: those that this attempt has in memory
        self._exchanges: dict[str, PaidExchange] = {}

    def stages(self) -> Sequence[Stage]:
        """The stages in their order."""
        return (
            Stage(FETCH, 0, self._fetch),
            Stage(CLASSIFY, 10, self._classify),
            Stage(DESCRIBE, 20, self._describe),
            Stage(DRAW, 30, self._draw),
            Stage(STORE, 80, self._store),
            Stage(PRODUCTS, 85, self._products),
        )

    def result(self, outputs: Outputs) -> dict[str, Any]:
        """What is stored in the job. Pictures are keys in it, see `kind.present`."""
        stored, found = outputs[STORE], outputs[PRODUCTS]
        return {
            "initial_image_url": self._params["image_url"],
            **stored,
            "products": found["products"],
            "description": outputs[DESCRIBE]["text"],
            "models": [model for name in NAMES for model in outputs[name].get("models", ())],
            "warnings": found["warnings"],
        }

    def _fetch(self, _: Outputs) -> Any:
        url = self._params["image_url"]
        raw = files.read_upload(self._job.id) if url is None else fetching.fetch(url, "/image_url")
        return {"key": self._saved(FETCH, pictures.read(raw)), "is_upload": url is None}

    def _classify(self, outputs: Outputs) -> Any:
        picture = self._picture(outputs[FETCH])
        found, model = self._perform(CLASSIFY, DESK_CLASSIFY, picture, {"picture": picture})
        if not found.is_desk:
            raise NotADesk(f"The picture shows no desk (probability {found.desk_probability:g}), so nothing was drawn.")
        return {"found": found.described(), "models": [model]}

    def _describe(self, outputs: Outputs) -> Any:
        seen = Seen(self._picture(outputs[FETCH]), Classification.read(outputs[CLASSIFY]["found"]))
        found, model = self._perform(DESCRIBE, VISION2TEXT, seen)
        return {"text": found.text, "keywords": list(found.keywords), "models": [model]}

    def _draw(self, outputs: Outputs) -> Any:
        draft = Draft(self._picture(outputs[FETCH]), outputs[DESCRIBE]["text"])
        picture, model = self._perform(DRAW, DRAWERS[self._params["version"]], draft)
        return {"key": self._saved(DRAW, picture), "models": [model]}

    def _store(self, outputs: Outputs) -> Any:
        fetched = outputs[FETCH]
        initial = self._saved("initial", self._picture(fetched)) if fetched["is_upload"] else None
        return {"initial_key": initial, "processed_key": self._saved("processed", self._picture(outputs[DRAW]))}

    def _products(self, outputs: Outputs) -> Any:
        """Products that can't be found do not fail the picture."""
        products, models, warnings = [], {}, []
        for keyword in outputs[DESCRIBE]["keywords"][:MOST_KEYWORDS]:
            if self._heartbeat.stop is not None:
                raise Stopped
            usage = Usage()
            try:
                found = calls.perform(PRODUCT_SEARCH, keyword, self._origin, usage=usage)
            except GatewayError as exc:
                warnings.append(f"products for {keyword}: {exc.detail}")
                if exc.retry_after is not None:
                    break  # the next keyword would fail too
                continue
            except Exception as exc:
                log.exception("a search for products failed")
                warnings.append(f"products for {keyword}: the gateway failed ({type(exc).__name__})")
                break
            model = _model(PRODUCT_SEARCH, usage)
            models[tuple(model.values())] = model
            if found:
                products.append({"keyword": keyword, "details": [asdict(each) for each in found]})
        return {"products": products, "models": list(models.values()), "warnings": warnings}

    def _perform(
        self, stage: str, kind: Kind[Given, Made], given: Given, attached: Mapping[str, Picture] | None = None
    ) -> tuple[Made, dict[str, str]]:
        """What a service makes, and which model made it. A provider's answer is kept, and its cost counted."""
        if kind.chosen().provider == "local":
            usage = Usage()
            return calls.perform(kind, given, self._origin, attached, usage=usage), _model(kind, usage)
        exchange = self._exchange(stage, kind)
        usage = Usage(exchange=exchange)
        try:
            made = calls.perform(kind, given, self._origin, attached, usage=usage)
        except GatewayError as exc:
            exchange.settle(usage, exc)
            raise
        exchange.settle(usage, None)
        return made, _model(kind, usage)

    def _exchange(self, stage: str, kind: Kind[Any, Any]) -> PaidExchange:
        """That of an earlier try, if it has an answer."""
        known = self._exchanges.get(stage)
        if known is None or known.kept() is None:
            known = self._exchanges[stage] = PaidExchange(self._job, stage, kind, self._heartbeat)
        return known

    @property
    def _origin(self) -> Origin:
        return Origin(self._job.requested_by, str(self._job.id))

    def _saved(self, name: str, picture: Picture) -> str:
        key = files.save_picture(self._job.id, name, picture)
        self._pictures[key] = picture
        return key

    def _picture(self, output: Mapping[str, Any]) -> Picture:
        key: str = output["key"]
        if key not in self._pictures:
            self._pictures[key] = files.read_picture(key)
        return self._pictures[key]


def _model(kind: Kind[Any, Any], usage: Usage) -> dict[str, str]:
    return {
        "service": kind.name,
        "provider": kind.chosen().provider,
        "model": usage.model,
        "version": usage.model_version,
    }
