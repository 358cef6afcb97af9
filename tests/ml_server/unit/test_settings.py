from pathlib import Path

import pytest

from ml_server.settings import BadSetting, read_settings


def test_it_has_defaults(tmp_path: Path) -> None:
    settings = read_settings({"VAR_DIR": str(tmp_path), "BIND_HOST": "", "LOG_LEVEL": " ", "ML_SERVER_PORT": None})
    assert (settings.host, settings.port, settings.log_level) == ("127.0.0.1", 9000, "INFO")
    assert settings.model_dir == tmp_path / "models"
    assert settings.image_dir is None


def test_it_reads_variables(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    variables = {
        "IMAGE_DIR": str(tmp_path),
        "BIND_HOST": "::1",
        "ML_SERVER_PORT": " 9100 ",
        "LOG_LEVEL": "ERROR",
        "VAR_DIR": str(folder),
    }
    settings = read_settings(variables)
    assert (settings.host, settings.port, settings.log_level) == ("::1", 9100, "ERROR")
    assert folder.is_dir()
    assert settings.image_dir == tmp_path


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ML_SERVER_PORT", "0"),
        ("ML_SERVER_PORT", "65536"),
        ("ML_SERVER_PORT", "http"),
        ("LOG_LEVEL", "LOUD"),
        ("IMAGE_DIR", "/not/there"),
    ],
)
def test_it_names_the_variable_and_the_fix_in_one_line(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(BadSetting) as caught:
        read_settings({"VAR_DIR": str(tmp_path), name: value})
    assert str(caught.value).startswith(f"{name} can't be '{value}': set it to ")
    assert "\n" not in str(caught.value)


def test_it_refuses_a_state_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadSetting, match=r"VAR_DIR can't be .* \(File exists\): set it to a writable folder"):
        read_settings({"VAR_DIR": str(tmp_path / "file")})
