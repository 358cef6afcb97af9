"""The import contracts cover every package of the repository, and every module of the large ones."""

import configparser
import re

import pytest

from tests.support.system import ROOT

LARGE_PACKAGES = ("attachments", "common", "integrations.mlflow", "jobs", "ml_proxy", "recording")

CONTRACTS = configparser.ConfigParser()
CONTRACTS.read_string((ROOT / ".importlinter").read_text())


def names(section: str, option: str) -> set[str]:
    """The names in an option, which separates them by line breaks and |."""
    return set(re.findall(r"[\w.]+", CONTRACTS[section][option]))


PACKAGES = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}


def test_every_package_is_a_root_package() -> None:
    assert names("importlinter", "root_packages") == PACKAGES


def test_every_package_of_the_gateway_has_a_place_in_the_house() -> None:
    assert names("importlinter:contract:house", "layers") == PACKAGES - {"ml_server"}


def test_no_package_is_missing_where_the_model_server_is_kept_apart() -> None:
    assert names("importlinter:contract:model-server", "forbidden_modules") == PACKAGES - {"ml_server"}
    assert names("importlinter:contract:no-model-server", "source_modules") == PACKAGES - {"ml_server", "tools"}


@pytest.mark.parametrize("package", LARGE_PACKAGES)
def test_every_module_of_a_large_package_has_a_layer(package: str) -> None:
    contract = CONTRACTS[f"importlinter:contract:inside-{package.replace('.', '-')}"]
    assert contract["containers"].split() == [package]
    assert contract.getboolean("exhaustive")
