"""The settings: everything wrong is said at once, secrets come from outside, and the example is true."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from syncd import config
from syncd.errors import ConfigurationError
from syncd.example import example
from syncd.options import duration, duration_text

ROOT = Path(__file__).parents[2]
GOOD = """
[source]
url = "sqlite:///onestop.db"
agency = "000.00.00.H03"
[targets.dvcqg]
adapter_url = "http://127.0.0.1:1/adapter"
agency_code = "000.00.00.H03"
username = "u"
password_file = "{folder}/secret"
"""


@pytest.fixture
def written(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("pw\n")
    path = tmp_path / "syncd.toml"
    path.write_text(GOOD.format(folder=tmp_path))
    return path


def problems(path: Path, text: str) -> dict[str, str]:
    path.write_text(text)
    with pytest.raises(ConfigurationError) as raised:
        config.read(path)
    return {problem.field: problem.reason for problem in raised.value.problems}


def test_a_good_file_gives_settings_with_defaults(written: Path) -> None:
    settings = config.read(written)
    assert settings.source.poll == timedelta(seconds=15)
    assert settings.targets["dvcqg"].retry[0] == timedelta(seconds=30)
    assert settings.targets["dvcqg"].password.get_secret_value() == "pw"  # type: ignore[attr-defined]
    assert str(settings.zone) == "Asia/Ho_Chi_Minh"
    assert config.warnings(written) == []


def test_every_problem_is_said_at_once_with_its_path(written: Path) -> None:
    text = (
        GOOD
        + '[daemon]\nstate = "mysql://x"\ntimezone = "Mars"\nhttp = "nowhere"\n'
        + '[log]\nlevel = "loud"\n[odd]\n[schedule]\nprune = "late"\n[targets.other]\nx = 1\n'
    )
    found = problems(written, text.replace("adapter_url", "adapter_ulr").format(folder=written.parent))
    assert set(found) == {
        "odd",
        "daemon.state",
        "daemon.timezone",
        "daemon.http",
        "log.level",
        "schedule.prune",
        "targets.other.connector",
        "targets.dvcqg.adapter_ulr",
    } | {field for field in found if field == "targets.dvcqg"}


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "targets"),
        ("source = 1\n[targets.dvcqg]\n", "source"),
        ("daemon = 1", "daemon"),
        ('[source]\nconnector = "nothing"\n[targets.dvcqg]', "source.connector"),
        ("[targets]\n", "targets"),
        ("targets = 3\n", "targets"),
        ('[source]\nurl = "sqlite://"\npassword_file = "/nowhere/at/all"\n[targets.dvcqg]', "source.password_file"),
        ('[daemon]\nstate = "::"\n', "daemon.state"),
    ],
)
def test_each_way_to_be_wrong_is_named(written: Path, text: str, field: str) -> None:
    assert field in problems(written, text)


def test_what_is_no_toml_or_not_there_is_said(written: Path, tmp_path: Path) -> None:
    assert "is not TOML" in problems(written, "[")[str(written)]
    with pytest.raises(ConfigurationError):
        config.read(tmp_path / "absent.toml")


def test_the_environment_lies_over_the_file(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD__SOURCE__POLL", "3m")
    monkeypatch.setenv("SYNCD__TARGETS__DVCQG__WORKERS", "9")
    settings = config.read(written)
    assert settings.source.poll == timedelta(minutes=3)
    assert settings.targets["dvcqg"].workers == 9


def test_a_secret_may_be_a_systemd_credential(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dvcqg.password").write_text("from systemd\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    written.write_text(written.read_text().replace("password_file", "#password_file"))
    assert config.read(written).targets["dvcqg"].password.get_secret_value() == "from systemd"  # type: ignore[attr-defined]


def test_a_secret_in_the_file_is_taken_with_a_warning(written: Path) -> None:
    written.write_text(written.read_text().split("password_file")[0] + 'password = "inline"\n')
    assert config.read(written).targets["dvcqg"].password.get_secret_value() == "inline"  # type: ignore[attr-defined]
    assert [warning.field for warning in config.warnings(written)] == ["targets.dvcqg.password"]


def test_what_is_shown_hides_every_secret(written: Path) -> None:
    written.write_text(written.read_text().replace("sqlite:///onestop.db", "mysql+pymysql://ro:hidden@db/opencps"))
    shown = config.masked(config.read(written))
    assert shown["targets"]["dvcqg"]["password"] == "********"
    assert "hidden" not in str(shown)
    assert "pw" not in str(shown["targets"])
    assert shown["daemon"]["retain_attempts"] == "400d"


def test_what_is_shown_hides_secrets_within_addresses(written: Path) -> None:
    plain = dict.fromkeys(("update_url", "progress_url"), "https://g.example/x")
    given = plain | {"transport": "gateway", "create_url": "https://g.example/them?dv={agency}&access_key=hidden", "proxy": "may:hidden@10.0.0.9:3128"}
    written.write_text(written.read_text() + "".join(f'{name} = "{value}"\n' for name, value in given.items()))
    shown = config.masked(config.read(written))["targets"]["dvcqg"]
    assert (shown["proxy"], shown["create_url"]) == ("may:***@10.0.0.9:3128", "https://g.example/them?dv={agency}&access_key=***")


def test_the_file_is_searched_where_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SYNCD_CONFIG", raising=False)
    assert config.find(None) == Path("syncd.toml")
    monkeypatch.setenv("SYNCD_CONFIG", "/elsewhere.toml")
    assert config.find(None) == Path("/elsewhere.toml")
    assert config.find(Path("given.toml")) == Path("given.toml")
    monkeypatch.delenv("SYNCD_CONFIG")
    written.unlink()
    monkeypatch.setattr(config, "SEARCHED", (Path("syncd.toml"),))
    with pytest.raises(ConfigurationError):
        config.find(None)


def test_the_example_is_a_valid_file_with_every_key_and_stands_in_the_repository(tmp_path: Path) -> None:
    text = example()
    assert (ROOT / "config" / "syncd.example.toml").read_text("utf-8") == text, "make it anew: syncd config example > config/syncd.example.toml"
    for name in re.findall(r'_file = "/etc/syncd/([^"]+)"', text):
        (tmp_path / name).write_text("x")
    path = tmp_path / "syncd.toml"
    path.write_text(text.replace("/etc/syncd/", f"{tmp_path}/"))
    opened = path.read_text().replace("\n#", "\n")
    assert config.read(path).daemon.node == "bk-sync-01"
    for key in ("retry", "breaker_pause", "overlap", "retain_attempts", "prune", "statistics"):
        assert f"\n{key} = " in opened


@pytest.mark.parametrize(("text", "seconds"), [("15s", 15), ("10m", 600), ("1h30m", 5400), ("400d", 34_560_000), ("250ms", 0.25), ("1.5h", 5400), ("0s", 0)])
def test_durations_are_texts(text: str, seconds: float) -> None:
    assert duration(text) == timedelta(seconds=seconds)
    assert duration(duration_text(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["15", "s", "1x", "1h 2", ""])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        duration(text)
