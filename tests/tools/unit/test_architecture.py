"""docs/architecture.md is true: its walks are what the code imports, its table is what the linter enforces."""

import configparser
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.support import architecture
from tests.support.architecture import PAGE, Step, covers, imports, module_of, names, rows, section, walk
from tests.support.system import ROOT

PREDICTION = "Walk of a prediction"
WALKS = (PREDICTION, "Walk of a job", "Walk of a correction")
MOST_FILES, MOST_SUPPORT, MOST_BESIDE = 20, 11, 14


def backward(files: list[str]) -> list[tuple[str, str]]:
    """Each file that imports one above it, and that one."""
    return [(file, above) for number, file in enumerate(files) for above in files[:number] if above in imports(file)]


def unreached(steps: list[Step]) -> list[Step]:
    """Those but the first that no file above imports."""
    files = [step.file for step in steps]
    return [
        step
        for number, step in enumerate(steps)
        if number and not any(step.file in imports(above) for above in files[:number])
    ]


def test_names_that_a_package_passes_on_are_followed() -> None:
    found = imports("recording/recorder.py")
    assert "recording/journal/writer.py" in found
    assert "recording/journal/__init__.py" not in found


def test_imports_for_types_and_within_functions_count() -> None:
    assert "recording/models.py" in imports("recording/sources.py")
    assert "ml_proxy/source.py" in imports("ml_proxy/apps.py")


def test_a_way_back_is_found() -> None:
    assert backward(["ml_proxy/models.py", "ml_proxy/feedback.py"]) == [("ml_proxy/feedback.py", "ml_proxy/models.py")]


def test_a_file_that_nothing_imports_is_found() -> None:
    assert unreached([Step("jobs/models.py", ""), Step("jobs/views.py", "")]) == [Step("jobs/views.py", "")]


@pytest.mark.parametrize("title", WALKS)
def test_a_walk_never_goes_back(title: str) -> None:
    files = [step.file for step in walk(title)]
    assert files
    assert len(set(files)) == len(files) <= MOST_FILES
    assert all((ROOT / file).is_file() for file in files)
    assert not backward(files)


@pytest.mark.parametrize("title", WALKS)
def test_each_file_is_imported_by_one_above_or_says_how_it_is_reached(title: str) -> None:
    steps = walk(title)
    assert unreached(steps) == [step for step in steps if step.through]
    for number, step in enumerate(steps):
        if step.through:
            assert JOINTS[step.through](step.file, [above.file for above in steps[:number]])


def test_the_walk_begins_at_the_view_and_has_the_row() -> None:
    files = [step.file for step in walk(PREDICTION)]
    assert files[0] == "ml_proxy/views/predict.py"
    assert {"recording/journal/writer.py", "recording/tasks.py", "ml_proxy/models.py"} < set(files)


def test_each_import_of_the_walk_is_on_the_page() -> None:
    files = [step.file for step in walk(PREDICTION)]
    listed = [*support(), *beside(), *other_cases()]
    unlisted = {
        (file, module)
        for file in files
        for module in map(module_of, imports(file) - set(files))
        if not any(covers(name, module) for name in listed)
    }
    assert not unlisted


def test_what_is_listed_is_imported_by_the_walk_or_beside_it() -> None:
    """Folds and keyed hashes run in a prediction, and only what is beside the walk imports them."""
    files = {step.file for step in walk(PREDICTION)}
    used = {module_of(found) for file in files for found in imports(file) - files}
    used |= {
        module_of(found)
        for name in ("recording.lookups", "recording.origins", "recording.publisher.heads", "recording.seals")
        for found in imports_of(name) - files
    }
    listed = [*support(), *beside(), *other_cases()]
    assert len(set(listed)) == len(listed)
    assert all(any(covers(name, module) for module in used) for name in listed)


def test_support_is_of_common_and_short() -> None:
    assert 0 < len(support()) <= MOST_SUPPORT
    assert all(name.startswith("common.") for name in support())
    assert not [found for name in support() for found in imports_of(name) if not found.startswith("common/")]


def test_what_is_beside_does_not_lead_back() -> None:
    files = [step.file for step in walk(PREDICTION)]
    assert 0 < len(beside()) <= MOST_BESIDE
    for name in beside():
        modules = files_of(name)
        users = modules | {each for other in beside() for each in files_of(other) if modules & imports(each)}
        first = next(number for number, file in enumerate(files) if users & imports(file))
        assert not imports_of(name) & set(files[: first + 1]), name


def test_the_apps_are_those_of_the_linter() -> None:
    config = linter()
    table = {cells[0].strip("`"): set(re.findall(r"`(\w+)`", cells[2])) for cells in rows("The apps")}
    assert set(table) == set(config["importlinter"]["root_packages"].split()) == set(architecture.APPS)
    for app, allowed in table.items():
        everything = set(table) if app == "tools" else allowed
        assert everything - {app} == may_import(app, config), app


def test_the_drawing_names_each_app() -> None:
    drawing = (ROOT / "docs" / "architecture.svg").read_text()
    assert "architecture.svg" in section("The apps")
    assert all(f">{app}<" in drawing for app in architecture.APPS)


def test_the_processes_are_those_of_the_procfile() -> None:
    procfile = [line.split(":")[0] for line in (ROOT / "Procfile").read_text().splitlines()]
    assert [cells[0].strip("`") for cells in rows("Processes")] == procfile


def test_its_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", PAGE.read_text())
    assert links
    assert all((PAGE.parent / link).exists() for link in links)


def support() -> list[str]:
    return names(PREDICTION, "Support")


def beside() -> list[str]:
    return names(PREDICTION, "Beside")


def other_cases() -> list[str]:
    return names(PREDICTION, "In other cases")


def files_of(name: str) -> set[str]:
    """The files of a module or package."""
    folder = ROOT / name.replace(".", "/")
    found = folder.rglob("*.py") if folder.is_dir() else [folder.with_suffix(".py")]
    return {str(path.relative_to(ROOT)) for path in found}


def imports_of(name: str) -> set[str]:
    return {found for file in files_of(name) for found in imports(file)}


def linter() -> configparser.ConfigParser:
    config = configparser.ConfigParser()
    config.read(ROOT / ".importlinter")
    return config


def may_import(app: str, config: configparser.ConfigParser) -> set[str]:
    """What no contract forbids the app to import."""
    layers = [line.replace(" ", "").split("|") for line in config["importlinter:contract:house"]["layers"].split("\n")]
    layers = [layer for layer in layers if layer != [""]]
    allowed = set(config["importlinter"]["root_packages"].split()) - {app}
    for number, layer in enumerate(layers):
        if app in layer:
            allowed -= {name for upper in layers[: number + 1] for name in upper}
    for title in config.sections():
        contract = config[title]
        if contract.get("type") == "forbidden" and app in contract["source_modules"].split():
            allowed -= set(contract["forbidden_modules"].split())
    return allowed


def text(file: str) -> str:
    return Path(ROOT / file).read_text()


def through_celery(file: str, above: Iterable[str]) -> bool:
    """A file above sends the task that this one defines, by the constant that both import."""
    tasks = re.findall(r"@shared_task\(name=([A-Z_]+)", text(file))
    return any(f"broker.send({task}," in text(sender) for task in tasks for sender in above)


def through_journal(file: str, above: Iterable[str]) -> bool:
    """A file above writes segments, this one reads them, and the publisher's process runs it."""
    segment = "recording/journal/segment.py"
    command = "recording/management/commands/publish.py"
    runs = {found for module in imports(command) for found in imports(module)}
    assert "publisher: .venv/bin/python manage.py publish\n" in text("Procfile")
    return segment in imports(file) and any(segment in imports(writer) for writer in above) and file in runs


def through_registry(register: str) -> Callable[[str, Iterable[str]], bool]:
    """The app registers what the file makes, and a file above looks it up."""
    registry, look_up = register.split(".")

    def is_registered(file: str, above: Iterable[str]) -> bool:
        made = re.findall(r"^([A-Z]+)\b.* = ", text(file), re.MULTILINE)
        apps = text(f"{file.split('/', maxsplit=1)[0]}/apps.py")
        is_known = any(f"{registry}.register({name})" in apps for name in made)
        return is_known and any(f"{look_up}" in text(user) for user in above)

    return is_registered


def through_job(file: str, _: Iterable[str]) -> bool:
    """The walk of a job has it."""
    return file in [step.file for step in walk("Walk of a job")]


def through_http(file: str, above: Iterable[str]) -> bool:
    """A file above sends to the path that this one serves."""
    served = re.findall(r'add_url_rule\("/([\w-]+)"', text(file))
    return any(f'"{path}", fields=' in text(sender) for path in served for sender in above)


JOINTS: dict[str, Callable[[str, Iterable[str]], bool]] = {
    "the Celery task": through_celery,
    "the journal": through_journal,
    "the record source": through_registry("sources.decode_all("),
    "the job kind": through_registry("kinds.named("),
    "the job above": through_job,
    "HTTP": through_http,
}
