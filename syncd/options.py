"""The types that settings are made of, for the configuration file and for connectors.

A connector describes what it can be told as a subclass of `TargetOptions`; the configuration resolves secrets
(`<name>_file`, environment, systemd credential) before the connector sees them, so here a secret is simply a `SecretStr`.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

_RETRY: Any = ("30s", "2m", "10m", "1h", "4h", "12h", "24h")
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def duration(given: Any) -> Any:
    """`"15s"`, `"10m"`, `"1h30m"`, `"400d"` as a timedelta."""
    if not isinstance(given, str):
        return given
    parts = _DURATION.findall(given)
    if not parts or "".join(number + unit for number, unit in parts) != given.replace(" ", ""):
        raise ValueError('is not a duration; write "15s", "10m", "1h" or "400d"')
    return timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in parts))


def duration_text(span: timedelta) -> str:
    """The shortest way to write a duration."""
    seconds = span.total_seconds()
    for unit in ("d", "h", "m", "s"):
        if seconds >= _UNITS[unit] and seconds % _UNITS[unit] == 0:
            return f"{int(seconds / _UNITS[unit])}{unit}"
    return f"{seconds:g}s" if seconds else "0s"


def zone(given: str) -> str:
    """The name of a time zone that this machine knows."""
    try:
        ZoneInfo(given)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"there is no time zone {given!r}; for example Asia/Ho_Chi_Minh") from None
    return given


Zone = Annotated[str, AfterValidator(zone)]
Codes = Annotated[tuple[str, ...], BeforeValidator(lambda given: ((given,) if given else ()) if isinstance(given, str) else given)]
OptionalPath = Annotated[Path | None, BeforeValidator(lambda given: given or None)]
Duration = Annotated[timedelta, BeforeValidator(duration), PlainSerializer(duration_text)]


class Options(BaseModel):
    """Base of every section: unknown keys are refused, defaults are checked like given values."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class SourceOptions(Options):
    """What every source can be told."""

    connector: str = Field("onestop", description="which connector reads it")
    poll: Duration = Field("15s", description="how often changes are looked for")  # type: ignore[assignment]
    surprise: float = Field(0.5, gt=0, le=1, description="share of the known dossiers that may change in one poll; more, and a person is asked")


class TargetOptions(Options):
    """What every target can be told."""

    connector: str = Field(description="which connector speaks to it")
    enabled: bool = Field(True, description="false: nothing is sent, what is due waits")
    mapping: str = Field("", description="mapping file: a name under mappings/<connector>/ or a path; default: the connector's own")
    workers: int = Field(4, ge=1, le=64, description="calls at the same time")
    batch: int = Field(1, ge=1, le=500, description="dossiers a call")
    rate: float = Field(0, ge=0, description="calls a second, 0 = unlimited")
    timeout: Duration = Field("30s", description="longest wait for one answer")  # type: ignore[assignment]
    verify: bool | Path = Field(True, description="TLS: true, or the file of the certificate authority")
    client_cert_file: OptionalPath = Field(None, description="TLS client certificate")
    client_key_file: OptionalPath = Field(None, description="and its key")
    proxy: str = Field("", description="HTTP proxy; the environment's is never used")
    retry: tuple[Duration, ...] = Field(_RETRY, description="waits between deliveries that failed; the last one repeats")
    breaker_failures: int = Field(5, ge=1, description="transport failures in a row after which the target is left alone for a while")
    breaker_pause: Duration = Field("1m", description="how long it is first left alone; doubles up to 30m")  # type: ignore[assignment]
    quiet: str = Field("", pattern=r"^$|^\d\d:\d\d-\d\d:\d\d$", description='hours without deliveries, "22:00-05:00"')


class OfficeOptions(TargetOptions):
    """What every document system can be told."""

    workers: int = Field(1, ge=1, le=64, description="calls at the same time")
    timeout: Duration = Field("60s", description="longest wait for one answer; drafts are large")  # type: ignore[assignment]
    scope: Codes = Field((), description="agencies whose drafts go there, with the units under them; empty: all that no other document system has")
    collect: Duration = Field("3m", gt=timedelta(0), description="how often what was issued is fetched")  # type: ignore[assignment]
    largest: int = Field(20, ge=1, le=200, description="MB (10^6 bytes) that one file may have, either way")
