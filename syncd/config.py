"""The settings: one TOML file, the environment over it, secrets from outside, everything checked at once.

    file          --config, else $SYNCD_CONFIG, else ./syncd.toml, else /etc/syncd/syncd.toml
    environment   SYNCD__SOURCE__POLL=30s sets [source] poll; names are case-insensitive
    secrets       <name>_file = "path", an environment variable, or a systemd credential named <target>.<name>

Which options a source or a target takes is the connector's own affair; it is found by entry point (`syncd.sources`,
`syncd.targets`), so a province can ship a connector of its own. Every mistake is reported with its key path and what to
do, all of them together.
"""

from __future__ import annotations

import os
import socket
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationError, field_validator
from sqlalchemy.engine.url import make_url
from sqlalchemy.exc import ArgumentError

from syncd.errors import ConfigurationError
from syncd.model import Problem
from syncd.options import Duration, OptionalPath, Options, SourceOptions, TargetOptions, Zone
from syncd.redact import address
from syncd.secrets import resolve

SEARCHED = (Path("syncd.toml"), Path("/etc/syncd/syncd.toml"))
_TIME = r"^([01]\d|2[0-3]):[0-5]\d$|^\S+( \S+){4}$"


class Daemon(Options):
    """[daemon]"""

    node: str = Field(
        default_factory=socket.gethostname, max_length=64, description="name of this machine among the nodes; default: its host name", examples=["bk-sync-01"]
    )
    state: str = Field("sqlite:////var/lib/syncd/state.db", description="SQLite file, or postgresql+psycopg://… shared by several nodes")
    timezone: Zone = Field("Asia/Ho_Chi_Minh", description="of times shown to people")
    http: str = Field("127.0.0.1:8470", pattern=r"^$|^.+:\d+$", description='/health/live /health/ready /metrics; "" = off')
    payload_key_file: Path = Field(Path("/etc/syncd/payload.key"), description="personal data at rest is sealed with it; made on the first run")
    retain_attempts: Duration = Field("400d", description="how long the journal is kept")  # type: ignore[assignment]
    retain_files: Duration = Field("30d", description="how long files that came back are kept once they are in the one-stop")  # type: ignore[assignment]
    mappings: OptionalPath = Field(None, description="the administrator's own mappings, laid over the shipped ones")
    drain: Duration = Field("30s", description="how long calls under way may take to end when syncd stops")  # type: ignore[assignment]

    @field_validator("state")
    @classmethod
    def _usable_url(cls, given: str) -> str:
        try:
            name = make_url(given).drivername
        except ArgumentError:
            raise ValueError("is not a database URL") from None
        if name not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
            raise ValueError("the state is kept in sqlite:///… or postgresql+psycopg://…")
        return given


class Log(Options):
    """[log]"""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="debug | info | warning | error")
    format: Literal["json", "console"] = Field("json", description="json | console")
    file: str = Field("", description='"" = standard error (journald)')


class Schedule(Options):
    """[schedule]"""

    reconcile: str = Field(
        "02:30", pattern=_TIME, description="every dossier is read again by its key and compared with the ledger; a time of day or a cron expression"
    )
    statistics: str = Field("06:00", pattern=_TIME, description="when statistics go to the targets that take them")
    prune: str = Field("03:30", pattern=_TIME, description="the journal is cut to daemon.retain_attempts")


class Reconcile(Options):
    """[reconcile]"""

    lately: Duration = Field("3d", description="dossiers sent since then are asked about at each reconciliation")  # type: ignore[assignment]
    period: Duration = Field("30d", gt=timedelta(0), description="within it every dossier has its turn of being asked about")  # type: ignore[assignment]
    budget: float = Field(240, ge=0, description="calls a minute, 0 = unlimited; deliveries go first")
    workers: int = Field(4, ge=1, le=64, description="calls at the same time")
    lost: float = Field(0.05, gt=0, le=1, description="share of the known dossiers that may be gone from the one-stop; more, and a person is asked")
    surprise: float = Field(0.5, gt=0, le=1, description="share of them that may differ from what was read; more, and a person is asked")
    repair: bool = Field(False, description="the nightly reconciliation makes due again what it can; else it only reports")


class Settings(Options):
    """The whole file, checked; `source` and `targets` hold the options of their connectors."""

    daemon: Daemon
    log: Log
    schedule: Schedule
    reconcile: Reconcile
    source: SourceOptions
    targets: dict[str, TargetOptions]

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which people read times."""
        return ZoneInfo(self.daemon.timezone)


class Reading:
    """A configuration being read: sections go in raw, checked options and problems come out."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []

    def settings(self) -> Settings | None:
        """The settings, or None with `problems` saying why not."""
        self._refuse_unknown()
        plain: dict[str, Any] = {name: self._section(name, model, self.raw.get(name, {})) for name, model in _PLAIN.items()}
        source = self._connector("source", "syncd.sources", self.raw.get("source"), "onestop")
        targets = {name: self._connector(f"targets.{name}", "syncd.targets", section, name) for name, section in self._targets().items()}
        if self.problems:
            return None
        return Settings.model_construct(**plain, source=source, targets=targets)

    def _refuse_unknown(self) -> None:
        for name in self.raw:
            if name not in (*_PLAIN, "source", "targets"):
                self._problem(name, "there is no such section", "see: syncd config example")

    def _targets(self) -> Mapping[str, Any]:
        targets = self.raw.get("targets") or {}
        if not isinstance(targets, Mapping) or not targets:
            self._problem("targets", "no target is configured", "add a section [targets.dvcqg]; see: syncd config example")
            return {}
        return targets

    def _connector(self, path: str, group: str, section: Any, default: str) -> Options | None:
        if not isinstance(section, Mapping):
            self._problem(path, "is missing", "see: syncd config example")
            return None
        kind = section.get("connector", default)
        known = connectors(group)
        if kind not in known:
            self._problem(f"{path}.connector", f"there is no connector {kind!r}", f"one of: {', '.join(sorted(known))}")
            return None
        options: type[Options] = known[kind].load().options
        return self._section(path, options, {"connector": kind, **section})

    def _section(self, path: str, model: type[Options], section: Any) -> Options | None:
        if not isinstance(section, Mapping):
            self._problem(path, "is not a section", f"write it as [{path}]")
            return None
        given = resolve(path, model, section, self.problems, self.warnings)
        try:
            return model.model_validate(given)
        except ValidationError as error:
            for fault in error.errors():
                keys = ".".join(str(part) for part in fault["loc"])
                self._problem(f"{path}.{keys}" if keys else path, _plain(fault["msg"]), _hint(fault["type"]))
            return None

    def _problem(self, field: str, reason: str, hint: str) -> None:
        self.problems.append(Problem(field=field, reason=reason, hint=hint))


_PLAIN: dict[str, type[Options]] = {"daemon": Daemon, "log": Log, "schedule": Schedule, "reconcile": Reconcile}


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ").removeprefix("Input ").strip()


def _hint(kind: str) -> str:
    return {"extra_forbidden": "remove the key, or correct its spelling; see: syncd config example", "missing": "add the key; see: syncd config example"}.get(
        kind, ""
    )


@lru_cache
def connectors(group: str) -> dict[str, Any]:
    """The entry points of a group by name; none of them is loaded."""
    return {point.name: point for point in entry_points(group=group)}


def find(given: Path | None) -> Path:
    """The configuration file to use. Raises `ConfigurationError` where there is none."""
    named = given or (Path(os.environ["SYNCD_CONFIG"]) if os.environ.get("SYNCD_CONFIG") else None)
    if named is not None:
        return named
    found = next((path for path in SEARCHED if path.is_file()), None)
    if found is None:
        places = ", ".join(map(str, SEARCHED))
        raise ConfigurationError(
            [Problem(field="--config", reason=f"there is no configuration file ({places})", hint="write one: syncd config example > syncd.toml")]
        )
    return found


def read(path: Path) -> Settings:
    """The settings of a file. Raises `ConfigurationError` with every problem."""
    reading = Reading(_overlaid(_parsed(path), os.environ))
    settings = reading.settings()
    if settings is None:
        raise ConfigurationError(reading.problems)
    return settings


def warnings(path: Path) -> list[Problem]:
    """What works but should not stay so: secrets written into the file."""
    reading = Reading(_overlaid(_parsed(path), os.environ))
    reading.settings()
    return reading.warnings


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError([Problem(field=str(path), reason=error.strerror or "cannot be read", hint="check the path and its permissions")]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError([Problem(field=str(path), reason=f"is not TOML: {error}", hint="compare with: syncd config example")]) from None


def _overlaid(raw: dict[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """The file with `SYNCD__A__B` laid over it."""
    for name, text in environment.items():
        if name.upper().startswith("SYNCD__"):
            *sections, key = (part.lower() for part in name[len("SYNCD__") :].split("__"))
            place: Any = raw
            for section in sections:
                place = place.setdefault(section, {})
            place[key] = _typed(text)
    return raw


def _typed(text: str) -> Any:
    """A value as TOML would read it, else the text itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def masked(settings: Settings) -> dict[str, Any]:
    """The effective settings, secrets replaced by asterisks."""
    return {
        "daemon": _masked(settings.daemon),
        "log": _masked(settings.log),
        "source": _masked(settings.source),
        "targets": {name: _masked(options) for name, options in settings.targets.items()},
        "schedule": _masked(settings.schedule),
        "reconcile": _masked(settings.reconcile),
    }


def _masked(options: Options) -> dict[str, Any]:
    shown = options.model_dump(mode="json")
    for name in shown:
        value = getattr(options, name)
        if isinstance(value, SecretStr):
            shown[name] = "********" if value.get_secret_value() else ""
        elif isinstance(value, str):
            shown[name] = address(value)
    return shown
