"""`syncd mapping`: the files that say what becomes of each field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from importlib.resources import files
from pathlib import Path

import click

from syncd.cli import exits, render
from syncd.cli.app import App, pass_app
from syncd.cli.commands import group
from syncd.cli.lang import sentence, t
from syncd.cli.options import as_json
from syncd.cli.render import Block
from syncd.errors import ConfigurationError, NotFound
from syncd.model import Problem, Value


class Found(Value):
    """What `mapping check` has to say of one mapping."""

    name: str
    usable: bool
    problems: list[dict[str, str]]


@group("mapping")
def mapping() -> None:
    """The files that say what becomes of each field."""


@mapping.command("check")
@as_json
@pass_app
def check(app: App, *, as_json: bool) -> int:
    """Compile every mapping.

    Files are read, shipped ones and the administrator's own; those that the configuration names are compiled by their connectors too.
    """
    found = [*_files(app), *_connectors(app)]
    render.put(found, lambda: _blocks(found), as_json=as_json, zone=app.zone)
    return exits.DONE if all(each.usable for each in found) else exits.CONFIGURATION


def _files(app: App) -> Iterator[Found]:
    from syncd.mapping_file import locate, parse

    for kind, name in names(app.settings.daemon.mappings):
        where, text = locate(name, kind, app.settings.daemon.mappings)
        try:
            parse(text, where)
        except ConfigurationError as error:
            yield _found(where, error.problems)
        else:
            yield _found(where)


def names(overlay: Path | None) -> list[tuple[str, str]]:
    """Kind and name of every mapping file, shipped or the administrator's."""
    roots = [files("mappings"), *([overlay] if overlay and overlay.is_dir() else [])]
    kinds = [kind for root in roots for kind in root.iterdir() if kind.is_dir() and not kind.name.startswith("_")]
    return sorted({(kind.name, file.name.removesuffix(".toml")) for kind in kinds for file in kind.iterdir() if file.name.endswith(".toml")})


def _connectors(app: App) -> Iterator[Found]:
    """The source and the targets as configured: making one compiles its mapping."""
    makers: list[tuple[str, AbstractContextManager[object]]] = [("source", app.source())]
    makers += [(f"targets.{name}", app.target(name)) for name in app.settings.targets]
    for label, making in makers:
        with ExitStack() as stack:
            try:
                stack.enter_context(making)
            except ConfigurationError as error:
                yield _found(label, error.problems)
            else:
                yield _found(label)


def _found(name: str, problems: Iterable[Problem] = ()) -> Found:
    plain = [{"field": each.field, "reason": each.reason, "hint": each.hint} for each in problems]
    return Found(name=name, usable=not plain, problems=plain)


def _blocks(found: list[Found]) -> Iterable[Block]:
    for each in found:
        if each.usable:
            yield f"{each.name}: {t('ok')}"
        for problem in each.problems:
            hint = f" → {sentence(problem['hint'])}" if problem["hint"] else ""
            yield f"{each.name}: {problem['field']}: {sentence(problem['reason'])}{hint}"


@mapping.command("show")
@click.argument("name")
@as_json
@pass_app
def show(app: App, name: str, *, as_json: bool) -> None:
    """One mapping as it applies here: its name, or kind and name (onestop/opencps-v2)."""
    from syncd.mapping_file import locate, parse

    overlay = app.settings.daemon.mappings
    kind, _, plain = name.rpartition("/")
    places = [place for place in names(overlay) if place[1] == plain and kind in ("", place[0])]
    if not places:
        known = ", ".join("/".join(place) for place in names(overlay))
        raise NotFound(f"There is no mapping {name!r}.", hint=f"one of: {known}")
    where, text = locate(places[0][1], places[0][0], overlay)
    if as_json:
        click.echo(render.document(parse(text, where).model_dump(mode="json", by_alias=True), app.zone))
    else:
        click.echo(f"# {where}")
        click.echo(text.decode("utf-8"), nl=False)
