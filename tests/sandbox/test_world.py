"""The surroundings of a rehearsal: what is written for syncd is what syncd reads, and what is asked of them is true."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import asdict

from syncd.config import Settings
from syncd.model import Draft
from syncd.options import OfficeOptions
from syncd.sandbox import configuration
from syncd.sandbox.configuration import SCOPE, write_mapping
from syncd.sandbox.office_desk import File, Matter
from syncd.sandbox.people import SIGNER, account
from syncd.sandbox.shelf import Shelf
from syncd.sandbox.world import TARGETS, Findings, World
from syncd.wiring import load, make_source


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    folder = tmp_path / "world"
    folder.mkdir()
    with World(folder, dossiers=10, targets=TARGETS) as world:
        yield world


def drafts(world: World, settings: Settings) -> dict[str, tuple[str, Draft]]:
    """Every draft that syncd reads, by its key, with the code of its dossier."""
    source = make_source(settings, world.life.clock)
    found = {draft.id: (one.dossier.code, draft) for page in source.sweep() for one in page.snapshots for draft in one.drafts}
    source.close()
    return found


def test_the_configuration_is_one_that_syncd_takes(world: World) -> None:
    settings = load(world.config)
    assert tuple(settings.targets) == TARGETS
    scopes = {name: options.scope for name, options in settings.targets.items() if isinstance(options, OfficeOptions)}
    assert scopes == {"ioffice": (), "tdoffice": SCOPE}
    for name in ("portal.password", "lgsp.consumer_secret", "ioffice.password", "tdoffice.token"):
        assert (world.folder / name).stat().st_mode & 0o777 == 0o600


def test_drafts_wait_for_each_document_system_and_syncd_reads_them_as_they_are(world: World) -> None:
    found = drafts(world, load(world.config))
    assert len(found) >= 6
    for _, draft in found.values():
        assert asdict(draft)["problems"] == ()
        assert Path(draft.file).read_bytes().startswith(b"%PDF")
        assert (draft.signer, draft.submitter) == (SIGNER, account(draft.submitter_name))
    assert {name: office.drafts > 2 for name, office in world.judge().offices.items()} == {"ioffice": True, "tdoffice": True}


def test_somebody_who_looks_at_a_document_system_finds_what_is_there(world: World) -> None:
    key, (code, draft) = next(iter(drafts(world, load(world.config)).items()))
    assert not world.has_draft("tdoffice", code, key)
    world.tdoffice.desk.receive(Matter(code, (File.of("a.pdf", Path(draft.file).read_bytes()),)))
    assert world.has_draft("tdoffice", code, key)
    assert not world.has_draft("ioffice", code, key)
    assert not world.has_draft("tdoffice", "H03-1", key)
    assert world.waiting() == 1


def test_before_anything_was_sent_nothing_is_in_sync(world: World) -> None:
    findings = world.judge()
    assert isinstance(findings, Findings)
    assert not findings.in_sync
    assert findings.rounds == 0


def test_a_world_with_the_portal_alone_has_no_drafts_and_no_mapping_of_its_own(tmp_path: Path) -> None:
    with World(tmp_path, dossiers=60) as world:
        world.life.move(40)
        assert list(world.servers) == ["dvcqg"]
        assert load(world.config).daemon.mappings is None
        assert list(world.shelf.folder.iterdir()) == []
        findings = world.judge()
        assert (findings.lgsp, findings.offices) == (None, {})


def test_a_shipped_mapping_that_cannot_be_completed_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configuration, "locate", lambda _name, _kind: ("", b"[settings.drafts]\n"))
    with pytest.raises(ValueError, match="0 times"):
        write_mapping(tmp_path, Shelf(tmp_path / "files"))
