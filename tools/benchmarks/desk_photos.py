"""`python -m tools.benchmarks.desk_photos`: how fast desk photos are accepted, and what their jobs cost predictions.

A gateway in production mode with PostgreSQL, the reference model server, and a scripted provider that takes seconds
for a picture. Windows without jobs and windows with at least 50 of them take turns. In each, predictions are sent at a
fixed rate; with jobs, photographs of a camera's size are posted too: uploaded, or by their URL, in turn. Both open
loops count from the intended time.
"""

import argparse
import base64
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from io import BytesIO
from multiprocessing.connection import Connection
from pathlib import Path
from uuid import UUID

import requests
from PIL import Image

from tests.support.production import create_clinician, production_settings
from tests.support.system import ROOT, System
from tests.support.wait import until
from tools.benchmarks.callers import Target
from tools.benchmarks.load import open_loop
from tools.benchmarks.raw_http import request
from tools.benchmarks.results import percentile
from tools.chaos.databases import PostgresDatabase
from tools.exit_signals import exit_on_signals

PREDICTION = ROOT / "docs/examples/predict.json"
DOCTOR = "Dr. Yoon (synthetic)"  # of that prediction
CAMERA = 4032, 3024  # pixels
MADE = 1024, 1024  # pixels of what the provider draws
GRAIN = 16  # pixels
QUALITY = 80
PROVIDER_SECONDS = 3.0
JOBS = 50
SPARE_JOBS = 5  # jobs end faster than new ones come in, for a while
POSTS_PER_SECOND = 2.0
PREDICTIONS_PER_SECOND = 50.0
WINDOW_SECONDS = 10.0
MOST_MILLISECONDS = 50.0  # at p95, for the acceptance of a photograph
MOST_SLOWER = 1.10  # predictions with jobs, compared with those without
BOUNDARY = "synthetic-boundary"
ACTIVE = "SELECT count(*) FROM jobs_job WHERE state IN ('queued', 'running')"


@dataclass
class Times:
    """Milliseconds: of predictions by round, of accepted photographs those of all rounds."""

    without: list[list[float]] = field(default_factory=list)
    beside: list[list[float]] = field(default_factory=list)
    uploaded: list[float] = field(default_factory=list)
    by_url: list[float] = field(default_factory=list)

    def ratio(self, share: float) -> float:
        """The median, over all rounds, of a percentile with jobs divided by that without."""
        pairs = zip(self.without, self.beside, strict=True)
        return statistics.median(_percentile(beside, share) / _percentile(alone, share) for alone, beside in pairs)

    def lines(self) -> list[str]:
        """The figures as text."""
        rows = [("predictions without jobs", self.without), ("predictions beside jobs", self.beside)]
        texts = [_line(name, [each for times in found for each in times]) for name, found in rows]
        ratios = ", ".join(f"p{share * 100:.0f} {self.ratio(share):.2f}" for share in (0.5, 0.95))
        accepted = _line("uploads accepted", self.uploaded), _line("URLs accepted", self.by_url)
        return [*texts, f"beside / without, median of rounds: {ratios}", *accepted]

    @property
    def is_met(self) -> bool:
        """Whether both goals are reached."""
        slowest = max(_percentile(times, 0.95) for times in (self.uploaded, self.by_url))
        return slowest <= MOST_MILLISECONDS and self.ratio(0.5) <= MOST_SLOWER


class Bench:
    """A running system, and its load."""

    def __init__(self, system: System, database: PostgresDatabase, photo: bytes, photo_url: str) -> None:
        self._system, self._database = system, database
        self._token = create_clinician(system, DOCTOR, "", "designer")
        self._form, self._url = _form(photo), json.dumps({"image_url": photo_url}).encode()
        self.times = Times()

    def run(self, rounds: int, seconds: float) -> Times:
        """The figures. The first round is not counted: it loads Pillow and opens connections."""
        until(self._predicts, seconds=120, what="a prediction")
        for number in range(rounds + 1):
            times = self.times if number else Times()
            times.without.append(self._predict(seconds))
            self._fill()
            posts = threading.Thread(target=self._post_all, args=(times, seconds))
            posts.start()
            times.beside.append(self._predict(seconds))
            posts.join()
            if (active := self._active()) < JOBS:
                raise SystemExit(f"only {active} jobs were left: raise POSTS_PER_SECOND")
            self._drain()
            print(f"round {number}", *times.lines(), sep="\n  ", flush=True)
        return self.times

    def _predicts(self) -> bool:
        return self._system.predict(PREDICTION.read_bytes(), Authorization=f"Bearer {self._token}").ok

    def _predict(self, seconds: float) -> list[float]:
        fields = {"Authorization": f"Bearer {self._token}"}
        target = Target(self._port, request("/ml/v1/predict/", PREDICTION.read_bytes(), **fields))
        outcome = open_loop(target, rate=PREDICTIONS_PER_SECOND, seconds=seconds)
        if outcome.failed:
            raise SystemExit(f"predictions failed: {dict(outcome.failed)}")
        return sorted(outcome.times)

    def _post_all(self, times: Times, seconds: float) -> None:
        started = time.perf_counter()
        for number in range(int(POSTS_PER_SECOND * seconds)):
            due = started + (number + 1) / POSTS_PER_SECOND  # the generator of predictions collects garbage first
            time.sleep(max(0.0, due - time.perf_counter()))
            self._post(by_url=bool(number % 2))
            (times.by_url if number % 2 else times.uploaded).append((time.perf_counter() - due) * 1000)

    def _post(self, *, by_url: bool = False) -> None:
        media = "application/json" if by_url else f"multipart/form-data; boundary={BOUNDARY}"
        self._ask("/ai/generated/v1/", self._url if by_url else self._form, **{"Content-Type": media})

    def _fill(self) -> None:
        while self._active() < JOBS + SPARE_JOBS:
            self._post()

    def _drain(self) -> None:
        for [job_id] in self._database.query("SELECT id FROM jobs_job WHERE state IN ('queued', 'running')"):
            self._ask(f"/ai/jobs/{UUID(str(job_id))}/cancel/")
        until(lambda: not self._active(), seconds=60, what="the end of all jobs")

    def _ask(self, path: str, body: bytes = b"", **fields: str) -> None:
        headers = {"Authorization": f"Bearer {self._token}", **fields}
        answer = requests.post(f"{self._system.url}{path}", data=body, headers=headers, timeout=60)
        if answer.status_code not in {200, 202, 409}:  # 409: the job has ended meanwhile
            raise SystemExit(f"{path}: {answer.status_code} {answer.text}")

    def _active(self) -> int:
        return int(self._database.query(ACTIVE)[0][0])

    @property
    def _port(self) -> int:
        return int(self._system.environment["GATEWAY_PORT"])


def noise(size: tuple[int, int], kind: str) -> bytes:
    """A synthetic picture with as much detail as a photograph, so that its file has the size of one."""
    coarse = size[0] // GRAIN, size[1] // GRAIN
    bands = [Image.effect_noise(coarse, 90).resize(size, Image.Resampling.BICUBIC) for _ in range(3)]
    image = Image.blend(Image.merge("RGB", bands), Image.effect_noise(size, 60).convert("RGB"), 0.12)
    target = BytesIO()
    image.save(target, kind, quality=QUALITY)
    return target.getvalue()


def _form(photo: bytes) -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="desk.jpg"\r\n'
    return f"{head}Content-Type: image/jpeg\r\n\r\n".encode() + photo + f"\r\n--{BOUNDARY}--\r\n".encode()


def _drawing() -> bytes:
    """What OpenAI's image edits answer."""
    usage = {"input_tokens": 400, "output_tokens": 1000, "total_tokens": 1400}
    data = [{"b64_json": base64.b64encode(noise(MADE, "PNG")).decode()}]
    return json.dumps({"created": 1, "data": data, "usage": usage}).encode()


def _percentile(times: Sequence[float], share: float) -> float:
    return percentile(sorted(times), share)


def _line(name: str, times: Sequence[float]) -> str:
    shares = ", ".join(f"p{share * 100:.0f} {_percentile(times, share):.1f} ms" for share in (0.5, 0.95, 0.99))
    return f"{name}: {shares} ({len(times)})"


def _provide(photo: bytes, url: Connection) -> None:
    """Serves the photograph and draws, in a process of its own."""
    from tests.support.desk_server import DeskServer  # noqa: PLC0415 - after Django is set up

    server, drawing = DeskServer(), _drawing()
    server.picture = lambda _: photo
    server.before_answer = lambda: time.sleep(PROVIDER_SECONDS)
    server.drawn = lambda conversation: conversation.answer(drawing)
    url.send(server.url)
    server.server.gone.wait()


def main(argv: list[str] | None = None) -> int:
    """Returns the exit status: 1 if a goal is missed."""
    parser = argparse.ArgumentParser(prog="tools.benchmarks.desk_photos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of two windows each (%(default)s)")
    parser.add_argument("--seconds", type=float, default=WINDOW_SECONDS, help="of a window (%(default)s)")
    parser.add_argument("--niceness", default="", help="JOB_NICENESS of the workers (the setting's default)")
    options = parser.parse_args(argv)
    photo = noise(CAMERA, "JPEG")
    with ExitStack() as stack:
        times = _bench(stack, photo, options.niceness).run(options.rounds, options.seconds)
    print(f"photographs of {len(photo):,} bytes, {JOBS} jobs or more, {PROVIDER_SECONDS:g} s for a drawing")
    print(*times.lines(), "each goal is met" if times.is_met else "a goal is missed", sep="\n")
    return 0 if times.is_met else 1


def _bench(stack: ExitStack, photo: bytes, niceness: str) -> Bench:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ml-proxy-desks-")))
    os.environ |= {"DJANGO_SETTINGS_MODULE": "backend.settings", "DEBUG": "1", "VAR_DIR": str(folder / "here")}
    import django  # noqa: PLC0415 - after the environment is complete

    django.setup()
    from tests.support.desk_server import settings_of  # noqa: PLC0415 - after Django is set up

    here, there = multiprocessing.Pipe()
    provider = multiprocessing.Process(target=_provide, args=(photo, there))
    provider.start()
    stack.callback(provider.kill)
    url = here.recv()
    database = stack.enter_context(closing(PostgresDatabase(folder)))
    given = {**production_settings(), **settings_of(url), "JOB_NICENESS": niceness}
    system = System(folder, database_url=database.url, **given)
    system.manage("migrate", "-v0")
    stack.callback(system.stop)
    system.start("redis", "ml_server", "web", "publisher", "worker-logs", "worker-jobs", "beat")
    return Bench(system, database, photo, f"{url}/photo.jpg")


if __name__ == "__main__":
    exit_on_signals()
    sys.exit(main())
