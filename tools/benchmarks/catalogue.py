"""How each variant is made. All stand before one model server, on one PostgreSQL, each with a database of its own."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.support.postgres import Postgres
from tests.support.system import ROOT, System, procfile
from tools.benchmarks import environments
from tools.benchmarks.callers import Target
from tools.benchmarks.payload import BODY
from tools.benchmarks.peers import configs
from tools.benchmarks.rows import Rows
from tools.benchmarks.variants import Variant
from tools.benchmarks.wire import request

# The gateway's server, with as many threads as the gateway has by default.
GRANIAN = ["-m", "granian", "--interface", "wsgi", "--workers", "1", "--blocking-threads", "32", "--log-level", "error"]


@dataclass(frozen=True)
class Ground:
    """What all variants stand on."""

    folder: Path  # for what this run leaves behind
    environments: Path
    postgres: Postgres
    stub_port: int

    @property
    def model_url(self) -> str:
        """The model server's."""
        return f"http://127.0.0.1:{self.stub_port}"

    def system(self, name: str, *, database: bool = False, **settings: str) -> System:
        """An empty system in a folder of its own; the Procfile's commands are not its own yet."""
        folder = self.folder / name
        folder.mkdir()
        url = self.postgres.make_database(name.replace("-", "_")) if database else ""
        made = System(folder, database_url=url, ml_server_url=self.model_url, **settings)
        made.commands = {}
        return made


def straight(ground: Ground) -> Variant:
    """The model server itself."""
    made = ground.system("straight")
    made.environment["ML_SERVER_PORT"] = str(ground.stub_port)
    made.commands = {"web": [sys.executable, "-m", "tools.benchmarks.stub"]}
    return Variant("straight", made, Target(ground.stub_port, request("/api/v1/predict", BODY)))


def nginx(ground: Ground) -> Variant:
    """A proxy and nothing else."""
    made = ground.system("nginx")
    config = made.folder / "nginx.conf"
    config.write_text(configs.nginx(_port(made), ground.stub_port, made.folder))
    program = environments.nginx(ground.environments)
    made.commands = {"web": [str(program), "-p", str(made.folder), "-e", "error.log", "-c", str(config)]}
    return Variant("nginx", made, _target(made, "/api/v1/predict"), version=environments.nginx_version(program))


def litellm(ground: Ground) -> Variant:
    """LiteLLM's pass-through endpoint, one worker, with its check of a key."""
    made = ground.system("litellm", LITELLM_LOCAL_MODEL_COST_MAP="True")
    config = made.folder / "config.yaml"
    config.write_text(configs.litellm(ground.model_url))
    programs = environments.LITELLM.ensure(ground.environments)
    address = ["--host", "127.0.0.1", "--port", str(_port(made)), "--num_workers", "1"]
    made.commands = {"web": [str(programs / "litellm"), "--config", str(config), *address]}
    target = _target(made, "/predict", Authorization=f"Bearer {configs.LITELLM_KEY}")
    return Variant("litellm", made, target, version=environments.version_of(programs, "litellm"))


def gateway(ground: Ground, *, settings_module: str = "backend.settings", name: str = "gateway") -> Variant:
    """This gateway, by the Procfile's commands, with the settings of `make up` but for the database."""
    made = _gateway(ground, name, settings_module, "redis", "worker-logs", "publisher", "web")
    rows = Rows(made.environment["DATABASE_URL"], "ml_proxy_inferencelog")
    return Variant(
        name,
        made,
        _target(made, "/ml/v1/predict/"),
        rows,
        worker="worker-logs",
        publisher="publisher",
        worker_always=True,
        promise=True,
    )


def gateway_without_debug(ground: Ground) -> Variant:
    """The same outside DEBUG, though still open to all: to see what DEBUG costs."""
    return gateway(ground, settings_module="tools.benchmarks.peers.undebugged", name="gateway-no-debug")


def gateway_unlogged(ground: Ground) -> Variant:
    """The same with its log switched off, which no setting of the product does."""
    made = _gateway(ground, "gateway-nolog", "tools.benchmarks.peers.unlogged.settings", "redis", "web")
    return Variant("gateway-nolog", made, _target(made, "/ml/v1/predict/"))


def naive_celery(ground: Ground) -> Variant:
    """The yardstick."""
    made = _naive(ground, "naive-celery", "queued")
    made.commands["redis"] = procfile()["redis"]
    made.commands["worker"] = [sys.executable, "-m", "celery", "-A", "tools.benchmarks.peers.naive", "worker"]
    rows = Rows(made.environment["DATABASE_URL"], "naive_prediction")
    return Variant("naive-celery", made, _target(made, "/predict/"), rows, worker="worker")


def naive_sync(ground: Ground) -> Variant:
    """A row written within the request."""
    made = _naive(ground, "naive-sync", "inline")
    rows = Rows(made.environment["DATABASE_URL"], "naive_prediction")
    return Variant("naive-sync", made, _target(made, "/predict/"), rows)


def drf_api_logger(ground: Ground) -> Variant:
    """The same with drf-api-logger beside it."""
    programs = environments.API_LOGGER.ensure(ground.environments)
    made = _naive(ground, "drf-api-logger", "logged", str(programs / "python"))
    url = made.environment["DATABASE_URL"]
    rows, own = Rows(url, "naive_prediction"), Rows(url, "drf_api_logs")
    version = environments.version_of(programs, "drf-api-logger")
    return Variant("drf-api-logger", made, _target(made, "/predict/"), rows, late_rows=own, version=version)


CATALOGUE: dict[str, Callable[[Ground], Variant]] = {
    "straight": straight,
    "nginx": nginx,
    "gateway": gateway,
    "gateway-nolog": gateway_unlogged,
    "naive-celery": naive_celery,
    "naive-sync": naive_sync,
    "drf-api-logger": drf_api_logger,
    "litellm": litellm,
    "gateway-no-debug": gateway_without_debug,
}
ON_REQUEST = ("gateway-no-debug",)  # only where --only names it


def _gateway(ground: Ground, name: str, settings_module: str, *processes: str) -> System:
    made = ground.system(name, database=True, DJANGO_SETTINGS_MODULE=settings_module, ALLOWED_HOSTS="127.0.0.1")
    made.commands = {process: procfile()[process] for process in processes}
    made.manage("migrate", "-v0")
    return made


def _naive(ground: Ground, name: str, form: str, python: str = sys.executable) -> System:
    made = ground.system(name, database=True, NAIVE_FORM=form)
    made.commands = {
        "web": [python, *GRANIAN, "--port", str(_port(made)), "tools.benchmarks.peers.naive.wsgi:application"]
    }
    settings = "tools.benchmarks.peers.naive.settings"
    migrate = [python, "-m", "django", "migrate", "--settings", settings, "--run-syncdb", "-v0"]
    subprocess.run(migrate, cwd=ROOT, env=made.environment, check=True)
    return made


def _port(system: System) -> int:
    return int(system.environment["GATEWAY_PORT"])


def _target(system: System, path: str, **fields: str) -> Target:
    return Target(_port(system), request(path, BODY, **fields))
