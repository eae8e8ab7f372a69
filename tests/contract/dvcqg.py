"""The national portal: through its adapter with a session, and through a gateway of a province."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from connectors.dvcqg import connector
from syncd.calls import Portion
from syncd.model import Dossier
from tests.connectors.portal import PASSWORD, Asked, Behaviour, ScriptedPortal, answer
from tests.contract.surroundings import RECORD, STEP, Surroundings, dossier, strings, written


class Dvcqg(Surroundings):
    """What both ways have in common."""

    connector = connector
    steps = True

    def portion(self, kind: str = RECORD, about: Dossier | None = None, file: str = "") -> Portion:
        return written(about or dossier(), kind)

    def refusal(self, said: str) -> Behaviour:
        return answer({"error_code": 7, "message": said})

    def holds(self) -> list[str]:
        return list(self.server.holdings)

    def texts(self, asked: Asked) -> Iterator[str]:
        return strings(asked.body)

    def lacking(self) -> Portion:
        return self.portion(about=replace(dossier(), procedure_code=""))


class Envelope(Dvcqg):
    """Through the adapter."""

    name = "dvcqg-envelope"
    calls = {RECORD: "DongBoHoSoMC", STEP: "CapNhatTienDoHoSoMC"}  # noqa: RUF012 nobody writes to it
    admission = "login"
    probed = ("login", "LayDanhSachTTHC")
    catalogue = "LayDanhSachTTHC"
    doubts = 3
    lookup = "TraCuuHoSo"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, ScriptedPortal())

    def options(self) -> dict[str, Any]:
        account = {"agency_code": "000.00.00.H03", "username": "bk", "password": PASSWORD}
        return {"connector": "dvcqg", "adapter_url": self.server.adapter_url, **account}

    def secrets(self) -> tuple[str, ...]:
        return (PASSWORD, *self.server.open_sessions)


class Gateway(Dvcqg):
    """Through a gateway of a province."""

    name = "dvcqg-gateway"
    calls = {RECORD: "them", STEP: "tien-do"}  # noqa: RUF012
    lookup = "tim"
    catalogue = "danh-muc"
    probed = ("them", "danh-muc")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, _Gateway())

    def options(self) -> dict[str, Any]:
        root = self.server.root
        urls = {"create_url": f"{root}/them", "update_url": f"{root}/sua", "progress_url": f"{root}/tien-do", "lookup_url": f"{root}/tim?ma={{code}}"}
        return {"connector": "dvcqg", "transport": "gateway", "agency_code": "000.00.00.H03", "catalogue_url": f"{root}/danh-muc", **urls}

    def secrets(self) -> tuple[str, ...]:
        return ()


class _Gateway(ScriptedPortal):
    """Takes bare arrays."""

    def _properly(self, asked: Asked) -> Behaviour:
        if asked.method == "GET":
            return answer(b"", 405)
        match asked.service:
            case "them" | "sua":
                return answer(self._put(msgspec.json.decode(asked.raw), updating=asked.service == "sua"))
            case "tim":
                held = self.holdings.get(urlsplit(asked.target).query.removeprefix("ma="))
                return answer({"error_code": 0, "data": [held] if held else []})
            case "danh-muc":
                return answer({"error_code": 0, "data": [{"MATTHC": code} for code in self.procedures]})
        return super()._properly(asked)
