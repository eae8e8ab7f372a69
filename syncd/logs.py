"""Sets up logging: one event a line, as JSON or for the console, with nothing of a citizen in it.

Modules log with `structlog.get_logger()` and a fixed noun_verb: `log.info("delivery_sent", target=…, dossier=…)`. Events
travel through the standard library's logging, so that what SQLAlchemy, urllib3 and others have to say takes the same way
and no line escapes the redaction. An exception is written as its type, the scrubbed first line of its message and the place
where it was raised; never with local variables, which hold dossiers.

A log file is opened anew when it has been moved away (logrotate needs no signal). structlog is imported by `configure`, not
before, for short commands log nothing.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from contextlib import suppress
from datetime import datetime
from logging.handlers import WatchedFileHandler
from typing import TYPE_CHECKING, Any, TextIO
from zoneinfo import ZoneInfo

import msgspec

from syncd.redact import MASK, describe, mask, redact, sensitive

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

OWN = ("syncd", "connectors")  #: loggers that follow the configured level; all others speak from WARNING on
TRUSTED = frozenset({"timestamp", "level", "event", "node", "target", "dossier", "attempt", "outcome", "duration_ms", "error_at"})


def configure(level: str = "info", format: str = "json", file: str = "", node: str = "", timezone: str = "Asia/Ho_Chi_Minh") -> None:  # noqa: A002  the setting's name
    """Log from `level` on to `file`, or to standard error where it is empty. May be called again.

    Raises `OSError` when the file cannot be opened and `ZoneInfoNotFoundError` for an unknown time zone.
    """
    import structlog

    threshold = logging.getLevelNamesMapping()[level.upper()]
    handler = _File(file, encoding="utf-8") if file else _Stream()
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=_pipeline(format, node, ZoneInfo(timezone))))
    _install(handler, threshold)
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def report_uncaught() -> None:
    """From now on an exception nobody caught, in whatever thread, is one logged line instead of a traceback."""
    import structlog

    log = structlog.get_logger("syncd")
    sys.excepthook = lambda kind, error, trace: log.critical("syncd_crashed", exc_info=(kind, error, trace))
    threading.excepthook = lambda crash: log.critical("thread_crashed", thread=crash.thread and crash.thread.name, exc_info=crash[:3])


class _Stream(logging.StreamHandler[TextIO]):
    """A log that may fail: whoever has something to tell goes on without it, for an answer in hand must still be booked. What could not be written
    is not told elsewhere, for nothing has been taken out of it yet."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  logging's name
        error = sys.exc_info()[1]
        with suppress(OSError, ValueError):
            sys.stderr.write(f"syncd cannot write its log: {describe(error) if error else record.levelname}\n")


class _File(_Stream, WatchedFileHandler):
    """One in a file, which may be moved away and not be there anew."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
        except OSError:
            self.handleError(record)


def _install(handler: logging.Handler, threshold: int) -> None:
    root = logging.getLogger()
    for old in [one for one in root.handlers if one.get_name() == "syncd"]:
        root.removeHandler(old)
        old.close()
    handler.set_name("syncd")
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in OWN:
        logging.getLogger(name).setLevel(threshold)
    logging.captureWarnings(capture=True)


def _pipeline(format: str, node: str, zone: ZoneInfo) -> list[Processor]:  # noqa: A002  the setting's name
    import structlog

    def stamp(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        record: logging.LogRecord = event.pop("_record")
        fields = event if event.pop("_from_structlog") else {"event": "library_logged", "logger": record.name, "detail": redact(str(event["event"]))}
        error = event.pop("exc_info", None)
        return {
            "timestamp": datetime.fromtimestamp(record.created, zone).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": fields.pop("event"),
            "node": node,
            **fields,
            **_told(error),
        }

    last: Processor = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()) if format == "console" else structlog.processors.JSONRenderer(_json)
    return [stamp, _redact, last]


def _told(error: Any) -> dict[str, str]:
    if error is True:
        error = sys.exc_info()
    if isinstance(error, tuple):
        error = error[1]
    if not isinstance(error, BaseException):
        return {}
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno} {frames[-1].name}" if frames else ""
    return {"error": describe(error), "error_at": where}


def _redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The last line of defence: whatever a caller passed, no key of a secret or of a citizen's data keeps its value."""
    return {key: value if key in TRUSTED else MASK if sensitive(key) else mask(value) for key, value in event.items()}


def _json(event: EventDict, **_: object) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()
