"""A province's platform behind a gateway that gives tokens; with the papers only named, and with their content."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from connectors.lgsp import connector
from syncd.calls import Operation, Portion
from syncd.model import Agency, Dossier, Statistic
from tests.connectors.gateway import BASIC, KEY, SECRET, ScriptedGateway
from tests.connectors.portal import Asked, Behaviour, answer
from tests.contract.surroundings import RECORD, STEP, FileServer, Surroundings, dossier, strings, written

STATISTIC = "statistic"
MONTH = Statistic(agency=Agency(code="000.00.14.H03", name="UBND phường Đức Xuân"), year=2025, month=3, received=5, on_time=4, late=1)


class Lgsp(Surroundings):
    """Papers are named."""

    connector = connector
    name = "lgsp"
    calls = {RECORD: "SyncDocument", STEP: "UpdateDocumentTraces", STATISTIC: "UpdateStatistic"}  # noqa: RUF012 nobody writes to it
    admission = "token"
    probed = ("token", "SyncDocument")
    steps = True

    def __init__(self, folder: Path) -> None:
        self.gateway = ScriptedGateway()
        super().__init__(folder, self.gateway)

    def options(self) -> dict[str, Any]:
        client = {"auth": "wso2_basic", "token_url": self.gateway.token_url, "consumer_key": KEY, "consumer_secret": SECRET}
        return {"connector": "lgsp", "base_url": self.gateway.base_url, **client}

    def secrets(self) -> tuple[str, ...]:
        return (SECRET, BASIC.removeprefix("Basic "), *self.gateway.given)

    def portion(self, kind: str = RECORD, about: Dossier | None = None, file: str = "") -> Portion:
        if kind == STATISTIC:
            return Portion(operation=Operation.CREATE, dossier=Dossier(code="", source_id=0), subject=MONTH.key, matter=MONTH)
        return written(about or dossier(), kind)

    def refusal(self, said: str) -> Behaviour:
        return answer({"Status": 0, "Message": said})

    def holds(self) -> list[str]:
        return list({asked.body["DocCode"]: None for asked in self.came()})

    def texts(self, asked: Asked) -> Iterator[str]:
        return strings(asked.body)

    def lacking(self) -> Portion:
        return self.portion(about=replace(dossier(), owner=replace(dossier().owner, phone="")))


class Contents(Lgsp):
    """Papers go along."""

    name = "lgsp-contents"
    calls = {RECORD: "SyncDocument"}  # noqa: RUF012 the others carry no files
    files = True
    paths = False

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._file_server = FileServer()
        self._closing.callback(self._file_server.close)

    def options(self) -> dict[str, Any]:
        return super().options() | {"attachments": "content"}

    def portion(self, kind: str = RECORD, about: Dossier | None = None, file: str = "") -> Portion:
        about = about or dossier()
        link = file or self._file_server.put("701", b"%PDF-1.7 mau")
        return written(replace(about, papers=(replace(about.papers[0], link=link),)), kind)

    def contents(self, asked: Asked) -> list[bytes]:
        return [base64.b64decode(paper["Base64"]) for paper in asked.body["Attachments"]]
