"""docker-compose.yml, checked without a container engine; other tests start its commands."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from graphlib import TopologicalSorter
from io import StringIO
from pathlib import Path
from typing import Any

import jsonschema
import psutil
import pytest
import redis
import yaml
from django.conf import settings
from dotenv import dotenv_values

from tests.acceptance.helpers import compose
from tests.support.network import free_port
from tests.support.system import ROOT, procfile
from tests.support.wait import until
from tools.launch.redis import server as redis_program
from tools.launch.system import stop_stages, web_stop_seconds

SERVICES = compose.services()
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
ONE_SHOT = {"migrate", "test-databases"}
SECRETS = {"SECRET_KEY", "SEAL_KEY", "ML_SERVER_TOKEN", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "FLOWER_BASIC_AUTH"}
COMPOSE_ONLY = {
    "POSTGRES_PASSWORD", "REDIS_PASSWORD", "PUBLISH_HOST", "HTTPS_PORT", "SITE_ADDRESS", "SITE_TLS", "TEST_DB_PASSWORD",
    "BACKUP_AT", "BACKUP_DAYS", "GRAFANA_PORT", "GRAFANA_PASSWORD",
}  # fmt: skip
MODEL_SERVER_ONLY = {"PREDICT_BATCH_SIZE"}
PORTS_AND_FOLDERS = {"GATEWAY_PORT", "ML_SERVER_PORT", "FLOWER_PORT", "REDIS_PORT", "VAR_DIR", "IMAGE_DIR"}

Service = dict[str, Any]


def documented() -> set[str]:
    """Returns the variables of .env.example, including commented ones."""
    text = re.sub(r"^#(?=[A-Z_]+=)", "", (ROOT / ".env.example").read_text(), flags=re.MULTILINE)
    return set(dotenv_values(stream=StringIO(text)))


def test_it_follows_the_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(compose.SCHEMA)
    jsonschema.Draft202012Validator(compose.SCHEMA).validate(compose.document())


@pytest.mark.parametrize("wrong", [{"comand": "x"}, {"restart": "sometimes"}, {"depends_on": ["redis"]}])
def test_its_schema_rejects_mistakes(wrong: Service) -> None:
    document = compose.document()
    document["services"]["web"] |= wrong
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(compose.SCHEMA).validate(document)


def test_it_has_each_process_with_the_procfile_s_command() -> None:
    commands = {name: shlex.split(service["command"]) for name, service in OURS.items() if name not in ONE_SHOT}
    assert commands == {name: command for name, command in procfile().items() if name != "redis"}


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_it_names_a_secret_that_is_missing(name: str) -> None:
    variables = dict.fromkeys(SECRETS | {"ALLOWED_HOSTS"}, "x")
    compose.filled_in(compose.TEXT, variables)
    with pytest.raises(compose.Missing, match=f"{name}: set {name} in .env"):
        compose.filled_in(compose.TEXT, {**variables, name: ""})


def test_it_has_no_secret_of_its_own() -> None:
    secret_like = re.compile(r"PASSWORD|SECRET|KEY|TOKEN|(?<!API)_AUTH$|_URL$|REDISCLI_AUTH")
    values = {
        (service, name): value
        for service, parts in SERVICES.items()
        for name, value in parts.get("environment", {}).items()
        if secret_like.search(name)
    }
    assert values
    assert [key for key, value in values.items() if "${" not in value] == []


@pytest.mark.parametrize("name", SERVICES)
def test_it_pins_images(name: str) -> None:
    _, _, tag = SERVICES[name]["image"].partition(":")
    assert re.match(r"v?\d+\.\d+", tag)


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - ONE_SHOT))
def test_long_running_services_have_health_checks_and_restarts(name: str) -> None:
    assert SERVICES[name]["restart"] == "unless-stopped"
    assert SERVICES[name]["healthcheck"]["test"]


@pytest.mark.parametrize("name", sorted(ONE_SHOT))
def test_one_shot_services_are_not_restarted(name: str) -> None:
    assert SERVICES[name]["restart"] == "no"
    assert "healthcheck" not in SERVICES[name]


def test_its_start_order_has_no_cycle() -> None:
    order = list(
        TopologicalSorter({name: parts.get("depends_on", {}) for name, parts in SERVICES.items()}).static_order()
    )
    assert set(order) == set(SERVICES)
    for parts in SERVICES.values():
        for other, how in parts.get("depends_on", {}).items():
            assert (how["condition"] == "service_healthy") == ("healthcheck" in SERVICES[other])


def test_it_starts_what_needs_the_tables_after_the_migration() -> None:
    for name in ("web", "publisher", "worker-logs", "worker-jobs", "beat"):
        assert SERVICES[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert SERVICES["migrate"]["depends_on"]["postgres"] == {"condition": "service_healthy"}


def test_only_caddy_publishes_ports_and_on_loopback() -> None:
    published = {name: parts["ports"] for name, parts in SERVICES.items() if "ports" in parts}
    assert {name: [compose.filled_in(port, {}) for port in ports] for name, ports in published.items()} == {
        "caddy": ["127.0.0.1:443:443", "127.0.0.1:5555:5555", "127.0.0.1:3000:3000"],
    }


def test_it_keeps_state_in_volumes_of_one_service_each_but_for_files_journal_and_metrics() -> None:
    mounts = [
        (volume.partition(":")[0], name) for name, parts in SERVICES.items() for volume in parts.get("volumes", ())
    ]
    used = [(volume, name) for volume, name in mounts if not volume.startswith("./")]
    shared = {("files", "web"), ("files", "worker-logs"), ("files", "worker-jobs")}
    shared |= {(volume, name) for volume in ("journal", "metrics") for name in ("web", "publisher")}
    shared |= {("files", "backup"), ("journal", "backup")}
    assert shared < set(used)
    assert sorted(name for name, _ in set(used) - shared) == sorted(
        compose.document()["volumes"].keys() - {"files", "journal", "metrics"}
    )


def test_its_redis_is_durable_and_requires_a_password() -> None:
    words = SERVICES["redis"]["command"][4:]
    options = dict(zip(words[::2], words[1::2], strict=True))
    assert options["--appendonly"] == "yes"
    assert options["--maxmemory-policy"] == "noeviction"
    assert SERVICES["redis"]["environment"]["REDISCLI_AUTH"].startswith("${REDIS_PASSWORD:?")


def test_no_list_of_processes_shows_the_password_of_redis(tmp_path: Path) -> None:
    """The command as Compose starts it, with a real Redis."""
    port, password = free_port(), "s3cret-of-redis"
    words = [word.replace("$$", "$") for word in SERVICES["redis"]["command"]]
    (tmp_path / "redis-server").symlink_to(redis_program())
    variables = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "REDISCLI_AUTH": password}
    with subprocess.Popen(
        [*words, "--port", str(port)], cwd=tmp_path, env=variables, stdout=subprocess.DEVNULL
    ) as server:
        try:
            with redis.Redis(port=port, password=password) as client:
                until(lambda: answers(client), what="redis")
                assert client.config_get("appendonly") == {"appendonly": "yes"}
            with redis.Redis(port=port) as client, pytest.raises(redis.AuthenticationError):
                client.ping()
            assert password not in " ".join(psutil.Process(server.pid).cmdline())
        finally:
            server.kill()


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def test_it_uses_only_documented_variables() -> None:
    used = {found["name"] for found in compose.VARIABLE.finditer(compose.TEXT)}
    assert used <= documented()
    assert used >= COMPOSE_ONLY


def test_the_gateway_gets_every_setting() -> None:
    settings = documented() - PORTS_AND_FOLDERS - COMPOSE_ONLY - MODEL_SERVER_ONLY - {"FLOWER_BASIC_AUTH"}
    assert settings == set(SERVICES["web"]["environment"])


@pytest.mark.parametrize("name", SERVICES)
def test_services_are_confined(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "caddy" else [])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["cpus"]
    assert service["pids_limit"]
    assert service["ulimits"] == {"core": 0}
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}


def test_the_databases_are_on_a_network_without_a_way_out() -> None:
    networks = compose.document()["networks"]
    assert networks["data"] == {"internal": True}
    for name in ("postgres", "redis"):
        assert SERVICES[name]["networks"] == ["data"]
        assert SERVICES[name]["user"] == name
    assert SERVICES["caddy"]["networks"] == ["default"]
    assert {name for name, parts in SERVICES.items() if "data" not in parts["networks"]} == {
        "caddy", "ml_server", "prometheus", "grafana"
    }  # fmt: skip


def test_redis_refuses_writes_before_its_container_is_out_of_memory() -> None:
    words = SERVICES["redis"]["command"]
    assert words[words.index("--maxmemory") + 1] == "768mb"
    assert SERVICES["redis"]["mem_limit"] == "1g"


def test_the_gateway_trusts_the_addresses_and_the_scheme_that_caddy_sends() -> None:
    assert OURS["web"]["environment"]["TRUST_PROXY"] == "1"


SITE = (ROOT / "Caddyfile").read_text()


def test_caddy_drops_fields_that_wsgi_would_take_for_those_of_the_proxy() -> None:
    [site] = re.findall(r"^\{\$SITE_ADDRESS:localhost\} \{\n(.*?)^\}", SITE, re.MULTILINE | re.DOTALL)
    assert "\trequest_header -*_*\n" in site  # X_Forwarded_For, X_Forwarded_Proto, …


def test_caddy_serves_the_gateway_and_flower_with_tls_and_logs_no_query() -> None:
    served = re.findall(
        r"^(\{\$SITE_ADDRESS\S*) \{\n\ttls \{\$SITE_TLS:internal\}\n(?:\trequest_header .*\n)?"
        r"\treverse_proxy \{\$\w+:(\S+)\}",
        SITE,
        re.MULTILINE,
    )
    assert served == [
        ("{$SITE_ADDRESS:localhost}", "web:8000"),
        ("{$SITE_ADDRESS:localhost}:5555", "flower:5555"),
        ("{$SITE_ADDRESS:localhost}:3000", "grafana:3000"),
    ]
    assert 'request>uri regexp "\\?.*"' in SITE
    assert re.findall(r"^http://\S+", SITE, re.MULTILINE) == ["http://127.0.0.1:8080"]
    assert "http://127.0.0.1:8080/" in SERVICES["caddy"]["healthcheck"]["test"]


@pytest.mark.skipif(not shutil.which("caddy"), reason="no Caddy is installed")
def test_caddy_accepts_its_configuration(tmp_path: Path) -> None:
    variables = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    for more in ({}, {"SITE_ADDRESS": "clinic.example", "SITE_TLS": "admin@clinic.example"}):
        command = ["caddy", "validate", "--config", "Caddyfile", "--adapter", "caddyfile"]
        done = subprocess.run(command, cwd=ROOT, env=variables | more, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", OURS)
def test_each_of_our_services_can_write_to_one_folder(name: str) -> None:
    """Loading the settings creates folders there, and the rest of the container is read-only."""
    volumes = [volume.partition(":")[2] for volume in OURS[name].get("volumes", ())]
    assert [*volumes, *OURS[name]["tmpfs"]].count("/app/var") == 1


def test_prometheus_scrapes_the_workers_metrics_port() -> None:
    targets = [
        target
        for job in yaml.safe_load((ROOT / "monitoring" / "prometheus.yml").read_text())["scrape_configs"]
        for target in job["static_configs"][0]["targets"]
    ]
    port = compose.filled_in(OURS["worker-logs"]["environment"]["WORKER_METRICS_PORT"], {})
    assert targets == ["web:8000", f"worker-logs:{port}", f"worker-jobs:{port}"]


def test_the_gateway_has_time_to_answer_requests_in_progress() -> None:
    assert int(SERVICES["web"]["stop_grace_period"].removesuffix("s")) > web_stop_seconds()


@pytest.mark.parametrize("name", ["worker-logs", "worker-jobs", "beat"])
def test_workers_and_beat_have_time_to_end_by_themselves(name: str) -> None:
    assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) > settings.WORKER_STOP_SECONDS
    graces = {part: seconds for stage in stop_stages() for part, seconds in stage.items()}
    assert graces[name] > settings.WORKER_STOP_SECONDS


def test_it_builds_the_model_server_from_its_own_dockerfile() -> None:
    builds = {name: service["build"] for name, service in OURS.items()}
    assert builds.pop("ml_server") == {"context": ".", "dockerfile": "ml_server/Dockerfile"}
    assert set(builds.values()) == {"."}
    assert OURS["ml_server"]["image"] not in {OURS[name]["image"] for name in builds}


@pytest.mark.parametrize(("path", "user"), [("Dockerfile", "mlproxy"), ("ml_server/Dockerfile", "mlserver")])
def test_each_image_runs_as_an_unprivileged_user(path: str, user: str) -> None:
    dockerfile = (ROOT / path).read_text()
    assert re.findall(r"^USER (\w+)$", dockerfile, re.MULTILINE) == [user]
    assert f"useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin {user}" in dockerfile
    assert "--require-hashes" in dockerfile


def test_the_gateways_image_checks_every_hash() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert dockerfile.count("--require-hashes") == len(re.findall(r"pip (install|sync)", dockerfile)) == 2
    assert not re.search(r"^FROM \S+:latest|^FROM [^:\s]+(\s|$)", dockerfile, re.MULTILINE)


def test_the_model_server_image_copies_only_the_model_server() -> None:
    dockerfile = (ROOT / "ml_server" / "Dockerfile").read_text()
    copies = re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE)
    assert copies == ["ml_server/requirements.txt .", "models models", "ml_server ml_server"]
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {"!ml_server", "!models"} < set(ignored)


def test_the_test_databases_start_on_demand_and_have_no_default_password() -> None:
    assert {name for name, parts in SERVICES.items() if "test-databases" in parts.get("profiles", ())} == {
        "test-db", "test-databases"
    }  # fmt: skip
    assert SERVICES["test-db"]["environment"] == {"MARIADB_ROOT_PASSWORD": "${TEST_DB_PASSWORD:-}"}
    assert SERVICES["test-db"]["networks"] == ["data"]


def test_the_gateways_image_has_every_module_that_its_processes_import(tmp_path: Path) -> None:
    """`.dockerignore` leaves out all but what it names."""
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line.startswith("!") and (ROOT / line[1:]).exists():
            copy = shutil.copytree if (ROOT / line[1:]).is_dir() else shutil.copy
            (tmp_path / line[1:]).parent.mkdir(parents=True, exist_ok=True)
            if not (tmp_path / line[1:]).exists():
                copy(ROOT / line[1:], tmp_path / line[1:])
    code = "import django; django.setup(); import backend.urls, worker.logs, worker.jobs, worker.beat; "
    code += "import tools.launch.web, tools.launch.probe, tools.launch.flower, tools.launch.flower_app; "
    code += "import django.core.management as m; print(all(map(m.load_command_class, *zip(*"
    code += "((app, name) for name, app in m.get_commands().items())))))"
    variables = {"DJANGO_SETTINGS_MODULE": "backend.settings", "DEBUG": "1", "VAR_DIR": str(tmp_path / "state")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=variables, check=False, capture_output=True, text=True
    )
    assert done.stdout == "True\n", done.stderr


def test_the_backup_reads_the_gateways_files_with_its_user_and_its_programs() -> None:
    backup = SERVICES["backup"]
    assert backup["image"] == SERVICES["postgres"]["image"]
    assert f"--uid {backup['user']} " in (ROOT / "Dockerfile").read_text()
    _, script, folder = shlex.split(backup["command"])
    assert (ROOT / script.removeprefix("/")).is_file()
    assert f"backups:{folder}" in backup["volumes"]
    assert {volume for volume in SERVICES["web"]["volumes"] if "metrics" not in volume} < set(backup["volumes"])


def test_the_nightly_backup_waits_for_its_time_and_survives_a_failure(tmp_path: Path) -> None:
    """With a `sleep` that notes how long it would take, and a `backup` that fails, and ends the second night."""
    shutil.copy(ROOT / "scripts" / "backup-nightly", tmp_path)
    for name, text in (
        ("backup", 'echo "$1" >> made; [ "$(grep -c . made)" -lt 2 ] || kill $PPID; exit 1'),
        ("sleep", 'echo "$1" >> slept'),
    ):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o700)
    now = time.time() % 86400
    done = subprocess.run(
        ["sh", str(tmp_path / "backup-nightly"), "."],
        cwd=tmp_path, env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "BACKUP_AT": "08:09"},
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr.count("the backup failed")) == (0, 1)
    assert (tmp_path / "made").read_text().split() == ["."] * 2
    first = int((tmp_path / "slept").read_text().split()[0])
    assert abs((now + first) % 86400 - (8 * 3600 + 9 * 60)) <= 60


def test_the_backup_is_unhealthy_without_a_new_one(tmp_path: Path) -> None:
    _, shell = SERVICES["backup"]["healthcheck"]["test"]
    check = ["sh", "-c", shell.replace("/var/tmp", str(tmp_path))]  # noqa: S108 - a folder of the container
    for name in ("started", "20261130T013000Z"):
        (tmp_path / name).mkdir()
        assert subprocess.run(check, check=False).returncode == 0
        os.utime(tmp_path / name, (0, time.time() - 27 * 3600))
        assert subprocess.run(check, check=False).returncode == 1


@pytest.mark.parametrize("given", ["8:30", "25h", " ", "08:60", "24:00"])
def test_a_wrong_time_stops_the_nightly_backup(given: str) -> None:
    done = subprocess.run(
        ["sh", "scripts/backup-nightly", "/backups"],
        cwd=ROOT, env={"PATH": os.environ["PATH"], "BACKUP_AT": given},
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, f"ml-proxy: BACKUP_AT can't be '{given}': set it to HH:MM\n")


def test_monitoring_starts_on_demand_with_the_files_of_this_repository() -> None:
    on_demand = {name: parts for name, parts in SERVICES.items() if "monitoring" in parts.get("profiles", ())}
    assert set(on_demand) == {"prometheus", "grafana"}
    mounted = [volume.split(":")[0] for parts in on_demand.values() for volume in parts["volumes"]]
    files = [ROOT / path for path in mounted if path.startswith("./")]
    assert [path for path in files if not path.exists()] == []
    config = yaml.safe_load((ROOT / "monitoring" / "prometheus.yml").read_text())
    token = config["scrape_configs"][0]["authorization"]["credentials_file"]
    assert f"> {token}\n" in SERVICES["prometheus"]["command"][0]
    provisioned = ROOT / "monitoring" / "grafana" / "provisioning"
    [source] = yaml.safe_load((provisioned / "datasources" / "prometheus.yml").read_text())["datasources"]
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")
    [provider] = yaml.safe_load((provisioned / "dashboards" / "ml-proxy.yml").read_text())["providers"]
    assert any(f":{provider['options']['path']}/ml-proxy.json" in volume for volume in on_demand["grafana"]["volumes"])


@pytest.mark.parametrize(("name", "missing"), [("prometheus", "MONITORING_TOKEN"), ("grafana", "GRAFANA_PASSWORD")])
def test_monitoring_does_not_start_without_a_secret(name: str, missing: str) -> None:
    [script] = SERVICES[name]["command"]
    variables = dict.fromkeys(SERVICES[name]["environment"], "") | {"PATH": os.environ["PATH"]}
    command = [*SERVICES[name]["entrypoint"], script.replace("$$", "$")]
    done = subprocess.run(command, env=variables, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, f"set {missing} in .env\n")
