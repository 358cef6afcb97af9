"""What users do to `.env` and to the state folder: other encodings, other owners."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backend import env
from tests.support.settings_process import run_with_settings

NOBODY = 65534


@contextmanager
def unprivileged() -> Iterator[None]:
    """Takes root's right to write everywhere during the block."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(env, "ROOT", tmp_path)
    monkeypatch.setattr(os, "environ", dict[str, str]())
    return tmp_path / ".env"


def test_a_byte_order_mark_does_not_belong_to_the_first_name(env_file: Path) -> None:
    env_file.write_text("OIDC_NAME=병원\n", encoding="utf-8-sig")
    env.load_env_file()
    assert os.environ["OIDC_NAME"] == "병원"


def test_another_encoding_is_named(env_file: Path) -> None:
    env_file.write_text("OIDC_NAME=병원\n", encoding="euc-kr")
    with pytest.raises(env.BadSetting, match=r"^\.env can't be read as UTF-8: save it in this encoding$"):
        env.load_env_file()


def test_a_folder_of_another_user_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAR_DIR", "/")
    line = r"^VAR_DIR can't be used, / \(Permission denied\): set it to a folder this process may write to, with all"
    with unprivileged(), pytest.raises(env.BadSetting, match=line):
        env.folder("VAR_DIR", Path("var"))
    assert env.folder("VAR_DIR", Path("var"), may_be_read_only=True) == Path("/")


def test_a_key_that_another_user_left_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret_key").mkdir()  # root may read every file, but not a folder
    done = run_with_settings(tmp_path, DEBUG="1")
    file = tmp_path / "secret_key"
    assert done.stderr == f"ml-proxy: VAR_DIR can't be used, {file} (Is a directory): {env.WRITABLE}\n"
