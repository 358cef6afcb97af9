"""Builds each variant. All use the same model server and the same PostgreSQL, each with its own database."""

import base64
import secrets
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.support.postgres import Postgres
from tests.support.production import CLINICIAN, create_clinician, production_settings
from tests.support.system import ROOT, System, procfile
from tools.benchmarks import environments
from tools.benchmarks.callers import Target
from tools.benchmarks.payload import BODY, DOCTOR
from tools.benchmarks.peers import configs
from tools.benchmarks.raw_http import request
from tools.benchmarks.row_counter import RowCounter
from tools.benchmarks.variants import Variant

WITH_LOG = ("redis", "worker-logs", "publisher", "web")  # the gateway's processes that a prediction needs
# The gateway's server, with the gateway's default number of threads.
GRANIAN = ["-m", "granian", "--interface", "wsgi", "--workers", "1", "--blocking-threads", "32", "--log-level", "error"]


@dataclass(frozen=True)
class SharedServices:
    """Services and folders that all variants share."""

    folder: Path  # for the files of this run
    environments: Path
    postgres: Postgres
    stub_port: int

    @property
    def model_url(self) -> str:
        """The URL of the model server."""
        return f"http://127.0.0.1:{self.stub_port}"

    def system(self, name: str, *, database: bool = False, **settings: str) -> System:
        """Returns a system without commands, in a new folder."""
        folder = self.folder / name
        folder.mkdir()
        url = self.postgres.make_database(name.replace("-", "_")) if database else ""
        made = System(folder, database_url=url, ml_server_url=self.model_url, **settings)
        made.commands = {}
        return made


def straight(services: SharedServices) -> Variant:
    """The model server itself."""
    made = services.system("straight")
    made.environment["ML_SERVER_PORT"] = str(services.stub_port)
    made.commands = {"web": [sys.executable, "-m", "tools.benchmarks.stub"]}
    return Variant("straight", made, Target(services.stub_port, request("/api/v1/predict", BODY)))


def nginx(services: SharedServices) -> Variant:
    """Only a proxy."""
    made = services.system("nginx")
    config = made.folder / "nginx.conf"
    config.write_text(configs.nginx(_port(made), services.stub_port, made.folder))
    program = environments.nginx(services.environments)
    made.commands = {"web": [str(program), "-p", str(made.folder), "-e", "error.log", "-c", str(config)]}
    return Variant("nginx", made, _target(made, "/api/v1/predict"), version=environments.nginx_version(program))


def litellm(services: SharedServices) -> Variant:
    """LiteLLM's pass-through endpoint, one worker, with its API key check."""
    made = services.system("litellm", LITELLM_LOCAL_MODEL_COST_MAP="True")
    config = made.folder / "config.yaml"
    config.write_text(configs.litellm(services.model_url))
    programs = environments.LITELLM.ensure(services.environments)
    address = ["--host", "127.0.0.1", "--port", str(_port(made)), "--num_workers", "1"]
    made.commands = {"web": [str(programs / "litellm"), "--config", str(config), *address]}
    target = _target(made, "/predict", Authorization=f"Bearer {configs.LITELLM_KEY}")
    return Variant("litellm", made, target, version=environments.version_of(programs, "litellm"))


def gateway(services: SharedServices) -> Variant:
    """This gateway in production mode, with the Procfile's commands and a caller with a token."""
    made = _gateway(services, "gateway", *WITH_LOG)
    return _with_log(made, "gateway", f"Bearer {create_clinician(made, DOCTOR)}")


def gateway_with_basic(services: SharedServices) -> Variant:
    """The same with HTTP Basic."""
    made, password = _gateway(services, "gateway-basic", *WITH_LOG), secrets.token_urlsafe()
    create_clinician(made, DOCTOR, password)
    return _with_log(made, "gateway-basic", f"Basic {base64.b64encode(f'{CLINICIAN}:{password}'.encode()).decode()}")


def gateway_with_open_api(services: SharedServices) -> Variant:
    """The same without credentials: shows what it costs to know the caller."""
    made = _gateway(services, "gateway-open", *WITH_LOG, settings_module="tools.benchmarks.peers.open_api")
    return _with_log(made, "gateway-open")


def _with_log(made: System, name: str, authorization: str = "") -> Variant:
    rows = RowCounter(made.environment["DATABASE_URL"], "ml_proxy_inferencelog")
    return Variant(
        name,
        made,
        _predict_target(made, authorization),
        rows,
        worker="worker-logs",
        publisher="publisher",
        worker_always=True,
        must_record_all=True,
    )


def gateway_without_log(services: SharedServices) -> Variant:
    """The gateway with its log switched off, which no setting of the product does."""
    made = _gateway(services, "gateway-nolog", "redis", "web", settings_module="tools.benchmarks.peers.no_log.settings")
    return Variant("gateway-nolog", made, _predict_target(made, f"Bearer {create_clinician(made, DOCTOR)}"))


def naive_celery(services: SharedServices) -> Variant:
    """The baseline."""
    made = _naive(services, "naive-celery", "queued")
    made.commands["redis"] = procfile()["redis"]
    made.commands["worker"] = [sys.executable, "-m", "celery", "-A", "tools.benchmarks.peers.naive", "worker"]
    rows = RowCounter(made.environment["DATABASE_URL"], "naive_prediction")
    return Variant("naive-celery", made, _target(made, "/predict/"), rows, worker="worker")


def naive_sync(services: SharedServices) -> Variant:
    """Writes the row within the request."""
    made = _naive(services, "naive-sync", "inline")
    rows = RowCounter(made.environment["DATABASE_URL"], "naive_prediction")
    return Variant("naive-sync", made, _target(made, "/predict/"), rows)


def drf_api_logger(services: SharedServices) -> Variant:
    """Writes the row within the request, with drf-api-logger as well."""
    programs = environments.API_LOGGER.ensure(services.environments)
    made = _naive(services, "drf-api-logger", "logged", str(programs / "python"))
    url = made.environment["DATABASE_URL"]
    rows, own = RowCounter(url, "naive_prediction"), RowCounter(url, "drf_api_logs")
    version = environments.version_of(programs, "drf-api-logger")
    return Variant("drf-api-logger", made, _target(made, "/predict/"), rows, late_rows=own, version=version)


CATALOGUE: dict[str, Callable[[SharedServices], Variant]] = {
    "straight": straight,
    "nginx": nginx,
    "gateway": gateway,
    "gateway-nolog": gateway_without_log,
    "naive-celery": naive_celery,
    "naive-sync": naive_sync,
    "drf-api-logger": drf_api_logger,
    "litellm": litellm,
    "gateway-open": gateway_with_open_api,
    "gateway-basic": gateway_with_basic,
}
ON_REQUEST = ("gateway-open", "gateway-basic")  # only if --only names them


def _gateway(services: SharedServices, name: str, *processes: str, settings_module: str = "backend.settings") -> System:
    made = services.system(name, database=True, DJANGO_SETTINGS_MODULE=settings_module, **production_settings())
    made.commands = {process: procfile()[process] for process in processes}
    made.manage("migrate", "-v0")
    return made


def _naive(services: SharedServices, name: str, form: str, python: str = sys.executable) -> System:
    made = services.system(name, database=True, NAIVE_FORM=form)
    made.commands = {
        "web": [python, *GRANIAN, "--port", str(_port(made)), "tools.benchmarks.peers.naive.wsgi:application"]
    }
    settings = "tools.benchmarks.peers.naive.settings"
    migrate = [python, "-m", "django", "migrate", "--settings", settings, "--run-syncdb", "-v0"]
    subprocess.run(migrate, cwd=ROOT, env=made.environment, check=True)
    return made


def _port(system: System) -> int:
    return int(system.environment["GATEWAY_PORT"])


def _predict_target(system: System, authorization: str) -> Target:
    fields = {"Authorization": authorization} if authorization else {}
    return _target(system, "/ml/v1/predict/", **fields)


def _target(system: System, path: str, **fields: str) -> Target:
    return Target(_port(system), request(path, BODY, **fields))
