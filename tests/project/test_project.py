"""The repository itself: what its files promise of each other must hold."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import click
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from syncd.cli.main import cli
from syncd.metrics import Metrics

ROOT = Path(__file__).parents[2]
LONGEST_MODULE = 350
MARKS = re.compile("|".join([r"\bTO" + r"DO\b", r"\bFIX" + r"ME\b", r"\bXX" + r"X\b", "/ro" + "ot/", "/ho" + "me/", "/wo" + "rk/", "/sha" + "red/"]))

WIRE = re.compile(r"\b(?:MaTTHC|TrangThaiHoSo|NgayTiepNhan|DongBoHoSoMC|CapNhatTienDoHoSoMC|TraCuuHoSo|isUpdating|madonvi|opencps_\w+|dossierNo)\b")


def listed() -> list[Path]:
    """Every file of the repository that is there, ignored ones left out."""
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return sorted(ROOT / name for name in names if name and (ROOT / name).is_file())


def texts() -> Iterator[tuple[str, str]]:
    for path in listed():
        try:
            yield str(path.relative_to(ROOT)), path.read_text("utf-8")
        except UnicodeDecodeError:
            continue


def modules() -> list[tuple[str, str]]:
    return [(name, text) for name, text in texts() if name.endswith(".py")]


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def setup() -> ConfigParser:
    parser = ConfigParser(interpolation=None)
    parser.read_string(read("setup.cfg"))
    return parser


def commands() -> click.Group:
    assert setup()["options.entry_points"]["console_scripts"].strip() == "syncd = syncd.cli.main:main"
    return cli


def known(words: list[str]) -> bool:
    """Whether `syncd` followed by these words names a command."""
    at: click.Command = commands()
    for word in words:
        if not isinstance(at, click.Group):
            return True
        found = at.get_command(click.Context(at), word)
        if found is None:
            return False
        at = found
    return True


def metric_names() -> set[str]:
    return set(re.findall(r"^# TYPE (\w+?)(?:_created)? ", Metrics().render().decode(), re.MULTILINE))


def requirements() -> list[Requirement]:
    extras = setup()["options.extras_require"].values()
    return [Requirement(line) for block in (setup()["options"]["install_requires"], *extras) for line in block.strip().splitlines()]


def pins() -> dict[str, Version]:
    lines = [line for line in read("constraints.txt").splitlines() if line and not line.startswith("#")]
    return {canonicalize_name(name): Version(version) for name, _, version in (line.partition("==") for line in lines)}


def dockerfile() -> list[list[str]]:
    joined = re.sub(r"\\\n", " ", read("Dockerfile"))
    return [shlex.split(line, posix=False) for line in joined.splitlines() if line and not line.startswith("#")]


# ---- what is installed


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_constraints_pin_every_requirement_within_its_bounds(requirement: Requirement) -> None:
    assert requirement.specifier.contains(pins()[canonicalize_name(requirement.name)])


def needs(name: str) -> list[str]:
    """What an installed package requires. The extra `bench` is installed only where it is used."""
    try:
        return importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        assert name in re.findall(r"^\w+", setup()["options.extras_require"]["bench"], re.MULTILINE)
        return []


def test_constraints_pin_what_the_requirements_require() -> None:
    pinned, waiting, seen = pins(), [(str(one.name), one.extras) for one in requirements()], set[str]()
    while waiting:
        name, extras = waiting.pop()
        for line in needs(name):
            needed = Requirement(line)
            wanted = needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras or {""})
            if wanted and canonicalize_name(needed.name) not in seen:
                seen.add(canonicalize_name(needed.name))
                waiting.append((needed.name, needed.extras))
    assert seen - pinned.keys() <= {"pip", "setuptools"}


def test_every_entry_point_leads_to_something() -> None:
    for group in setup()["options.entry_points"].values():
        for line in group.strip().splitlines():
            module, _, name = line.partition("=")[2].strip().partition(":")
            assert getattr(importlib.import_module(module), name) is not None


# ---- the image


def test_the_image_runs_as_an_ordinary_user() -> None:
    final = dockerfile()[max(place for place, line in enumerate(dockerfile()) if line[0] == "FROM") :]
    users = [line[1] for line in final if line[0] == "USER"]
    assert users == ["syncd"]
    assert [line[0] for line in final].index("USER") < [line[0] for line in final].index("ENTRYPOINT")


def test_the_image_checks_its_health_without_further_programs() -> None:
    (check,) = (line for line in read("Dockerfile").splitlines() if "/health/live" in line)
    assert '"python", "-c"' in check
    program = check.partition('"-c", "')[2].rpartition('"]')[0]
    ast.parse(program)


def test_the_image_starts_a_real_command() -> None:
    ends = {line[0]: line[1] for line in dockerfile() if line[0] in ("ENTRYPOINT", "CMD")}
    assert ends == {"ENTRYPOINT": '["syncd"]', "CMD": '["run"]'}
    assert known(["run"])


def test_the_image_takes_named_files_only_and_no_secret() -> None:
    lines = dockerfile()
    assert "ADD" not in [line[0] for line in lines]
    taken = {source for line in lines if line[0] == "COPY" and not line[1].startswith("--from") for source in line[1:-1]}
    allowed = {line[1:] for line in read(".dockerignore").splitlines() if line.startswith("!")}
    assert taken == allowed
    assert all((ROOT / name).exists() for name in taken)
    for line in lines:
        assert not (line[0] in ("ENV", "ARG") and re.search(r"password|secret|token|key", " ".join(line), re.IGNORECASE))


# ---- the service


def unit() -> ConfigParser:
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(read("config/syncd.service"))
    return parser


def test_the_service_starts_a_real_command_and_tells_when_it_is_ready() -> None:
    program, *words = shlex.split(unit()["Service"]["ExecStart"])
    assert Path(program).name == "syncd"
    assert words[0] == "--config"
    assert known(words[2:])
    assert unit()["Service"]["Type"] == "notify"
    assert unit()["Service"]["WatchdogSec"]


def test_the_service_runs_with_few_rights_and_a_state_of_its_own() -> None:
    service = unit()["Service"]
    user = service["User"]
    assert re.search(rf"^u {user} ", read("config/syncd.sysusers"), re.MULTILINE)
    assert re.search(rf"^d /var/lib/{service['StateDirectory']} +0700 +{user}", read("config/syncd.tmpfiles"), re.MULTILINE)
    assert service["ProtectSystem"] == "strict"
    assert service["NoNewPrivileges"] == "yes"
    assert service["CapabilityBoundingSet"] == ""
    assert "password=" not in read("config/syncd.service").lower()


def test_the_service_is_not_restarted_where_the_configuration_is_wrong() -> None:
    assert unit()["Service"]["RestartPreventExitStatus"] == "78"


@pytest.mark.parametrize("name", [".ci/run", "tests/with-databases"])
def test_scripts_can_be_run_and_stop_at_the_first_error(name: str) -> None:
    assert os.access(ROOT / name, os.X_OK)
    assert "set -euo pipefail" in read(name)
    subprocess.run(["bash", "-n", ROOT / name], check=True)


# ---- documents


def test_the_make_targets_that_documents_name_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    for name, text in texts():
        if name.endswith(".md") or name == ".ci/run":
            assert set(re.findall(r"(?:^\s*|`)make ([a-z]+)", text, re.MULTILINE)) <= targets, name


def documented_commands() -> set[tuple[str, str]]:
    """Where a command is named, and its words up to the first argument."""
    found = ((name, code) for name, text in texts() if name.endswith(".md") for code in re.findall(r"(?:`|^ {4})syncd((?: [a-z]+)+)", text, re.MULTILINE))
    return {(name, code.strip()) for name, code in found}


@pytest.mark.parametrize(("name", "words"), sorted(documented_commands()))
def test_the_commands_that_documents_name_exist(name: str, words: str) -> None:
    assert known(words.split()), f"{name}: syncd {words}"


def test_links_between_documents_lead_somewhere() -> None:
    for name, text in texts():
        for target in re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", text) if name.endswith(".md") else ():
            assert ((ROOT / name).parent / target).exists(), f"{name}: {target}"


def test_the_metrics_in_the_documents_are_the_ones_that_exist() -> None:
    documented = set(re.findall(r"^\| `(syncd_\w+)", read("docs/operations.md"), re.MULTILINE))
    assert {name.removesuffix("_total") for name in documented} == {name.removesuffix("_total") for name in metric_names()}


def test_alerts_use_documented_metrics_and_are_explained() -> None:
    rules = read("config/prometheus-alerts.yml")
    documented = set(re.findall(r"^\| `(syncd_\w+)", read("docs/operations.md"), re.MULTILINE))
    assert set(re.findall(r"\bsyncd_\w+", rules)) <= documented
    explained = set(re.findall(r"^\| (Syncd\w+)", read("docs/operations.md"), re.MULTILINE))
    assert set(re.findall(r"alert: (\w+)", rules)) == explained


# ---- the source


def test_no_file_holds_unfinished_marks_or_paths_of_a_machine() -> None:
    assert [(name, found[0]) for name, text in texts() if (found := MARKS.search(text))] == []


def test_every_module_says_what_it_is() -> None:
    assert [name for name, text in modules() if text.strip() and not ast.get_docstring(ast.parse(text))] == []


def test_names_of_the_wire_stay_out_of_the_engine() -> None:
    engine = [(name, text) for name, text in modules() if name.startswith("syncd/") and not name.startswith("syncd/sandbox/")]
    assert [(name, found[0]) for name, text in engine if (found := WIRE.search(text))] == []


def test_no_module_is_long() -> None:
    assert [name for name, text in modules() if name.startswith(("syncd/", "connectors/")) and text.count("\n") > LONGEST_MODULE] == []
