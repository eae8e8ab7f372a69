"""The surroundings of every connector, one after the other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.dvcqg import Envelope, Gateway
from tests.contract.ioffice import OfficeSoap, OfficeVnpt
from tests.contract.lgsp import Contents, Lgsp
from tests.contract.surroundings import Collecting, FileServer, Surroundings
from tests.contract.tdoffice import Tdoffice

KINDS: tuple[type[Surroundings], ...] = (Envelope, Gateway, Lgsp, Contents, OfficeSoap, OfficeVnpt, Tdoffice)


def _named(kind: object) -> str:
    return str(getattr(kind, "name", kind))


@pytest.fixture(params=KINDS, ids=_named)
def far(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Surroundings]:
    """Each far end."""
    with request.param(tmp_path) as made:
        yield made


@pytest.fixture(params=[(kind, call) for kind in KINDS for call in kind.calls], ids=lambda pair: f"{pair[0].name}-{pair[1]}")
def call(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Surroundings, str]]:
    """Each far end, with each kind of call that it takes."""
    kind, name = request.param
    with kind(tmp_path) as made:
        yield made, name


@pytest.fixture(params=[(kind, service) for kind in KINDS for service in kind.probed], ids=lambda pair: f"{pair[0].name}-{pair[1]}")
def probed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Surroundings, str]]:
    """Each far end, with each service that a probe asks."""
    kind, service = request.param
    with kind(tmp_path) as made:
        yield made, service


@pytest.fixture(params=[kind for kind in KINDS if kind.lookup], ids=_named)
def asked(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Surroundings]:
    """Each far end that can be asked what it holds."""
    with request.param(tmp_path) as made:
        yield made


@pytest.fixture(params=[kind for kind in KINDS if kind.admission], ids=_named)
def admitting(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Surroundings]:
    """Each far end that wants a session or a token."""
    with request.param(tmp_path) as made:
        yield made


@pytest.fixture(params=[kind for kind in KINDS if kind.catalogue], ids=_named)
def looking(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Surroundings]:
    """Each far end whose catalogue is looked at before something is sent."""
    with request.param(tmp_path) as made:
        yield made


@pytest.fixture(params=[kind for kind in KINDS if kind.files], ids=_named)
def filing(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Surroundings]:
    """Each far end that takes files."""
    with request.param(tmp_path) as made:
        yield made


@pytest.fixture(params=[kind for kind in KINDS if issubclass(kind, Collecting)], ids=_named)
def collecting(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Collecting]:
    """Each far end from which documents come back when they are asked for."""
    with request.param(tmp_path) as made:
        yield made


@pytest.fixture
def file_server() -> Iterator[FileServer]:
    """The file server of the one-stop."""
    with FileServer() as serving:
        yield serving


@pytest.fixture(scope="session")
def large() -> bytes:
    """20 MB that look like a PDF and repeat nothing."""
    head = b"%PDF-1.7\n"
    return head + hashlib.shake_256(b"a large file").digest(20_000_000 - len(head))
