"""The command `syncd`: its groups, and what becomes of errors.

Every error that syncd understands ends as its message, what to do next, and the exit code of its class; one that it does
not understand as one line without any value of a dossier in it, for a traceback could quote some.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from syncd import __version__
from syncd.cli import exits, lang
from syncd.cli.app import App
from syncd.cli.commands import Group
from syncd.cli.lang import sentence, t
from syncd.errors import ConfigurationError, SyncdError, Unmappable

_LAZY = {
    "demo": "syncd.cli.demo:demo",
    "sandbox": "syncd.cli.demo:sandbox",
    "config": "syncd.cli.config:config",
    "doctor": "syncd.cli.doctor:doctor",
    "db": "syncd.cli.db:db",
    "run": "syncd.cli.run:run",
    "status": "syncd.cli.status:status",
    "show": "syncd.cli.show:show",
    "report": "syncd.cli.report:report",
    "preview": "syncd.cli.preview:preview",
    "log": "syncd.cli.log:log",
    "dead": "syncd.cli.dead:dead",
    "inbox": "syncd.cli.inbox:inbox",
    "target": "syncd.cli.target:target",
    "node": "syncd.cli.node:node",
    "source": "syncd.cli.source:source",
    "resync": "syncd.cli.resync:resync",
    "reconcile": "syncd.cli.reconcile:reconcile",
    "mapping": "syncd.cli.mapping:mapping",
    "key": "syncd.cli.key:key",
    "completion": "syncd.cli.completion:completion",
}


def _speak(_context: click.Context, _option: click.Parameter, value: str | None) -> str:
    language = value or lang.of_environment()
    lang.use(language)
    return language


@click.group("syncd", cls=Group, lazy=_LAZY, context_settings={"max_content_width": 100})
@click.option("--lang", type=click.Choice(lang.LANGUAGES), callback=_speak, is_eager=True, expose_value=False, help="language of texts; default: the locale's")
@click.option("--config", type=click.Path(path_type=Path), help="configuration file; default: $SYNCD_CONFIG, ./syncd.toml, /etc/syncd/syncd.toml")
@click.version_option(__version__, prog_name="syncd", message="%(prog)s %(version)s", help="the version, and nothing else")
@click.pass_context
def cli(context: click.Context, config: Path | None) -> None:
    """Keeps the national public service portal equal to a province's one-stop database."""
    context.obj = App(config)


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point of the command line; ends the process with the exit code."""
    sys.exit(call(arguments))


def call(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; its exit code."""
    lang.use(lang.of_environment())  # click would show `syncd --help` before it asks for the default of --lang
    try:
        code = cli.main(args=None if arguments is None else list(arguments), prog_name="syncd", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.FAILED
    except (click.Abort, KeyboardInterrupt):
        return exits.FAILED
    except Exception as error:  # noqa: BLE001  the edge of the program: nothing else may print a traceback
        return _failed(error)
    return code if isinstance(code, int) else exits.DONE


def _failed(error: Exception) -> int:
    match error:
        case click.UsageError():
            return _misused(error)
        case click.ClickException():
            return _said(error.format_message(), code=exits.FAILED)
        case SyncdError():
            return _said(*_lines(error), code=error.exit_code)
        case _:
            return _said(*_unexpected(error), code=exits.FAILED)


def _misused(error: click.UsageError) -> int:
    usage = [error.ctx.get_usage()] if error.ctx else []
    return _said(*usage, t("Error: {reason}", reason=sentence(error.format_message())), code=exits.USAGE)


def _lines(error: SyncdError) -> list[str]:
    if isinstance(error, (ConfigurationError, Unmappable)):
        return [f"{problem.field}: {sentence(problem.reason)}{_advice(problem.hint)}" for problem in error.problems]
    return [sentence(error.message), *([f"→ {sentence(error.hint)}"] if error.hint else [])]


def _advice(hint: str) -> str:
    return f" → {sentence(hint)}" if hint else ""


def _unexpected(error: Exception) -> list[str]:
    from syncd.redact import describe

    place = traceback.extract_tb(error.__traceback__)[-1]
    return [t("syncd met something it did not expect: {error}", error=describe(error)), f"→ {place.name} ({Path(place.filename).name}:{place.lineno})"]


def _said(*lines: str, code: int) -> int:
    for line in lines:
        click.echo(line, err=True)
    return code
