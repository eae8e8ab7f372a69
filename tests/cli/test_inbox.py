"""What came back, as a person sees it and completes it."""

from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from syncd.cli import exits
from syncd.documents import Attachment, IssuedDocument, Stage
from syncd.received import Refusal
from syncd.sandbox.world import World
from syncd.store.inbox import Inbox
from syncd.store.inbox_arrivals import Arrivals
from syncd.wiring import load, open_state
from tests.cli.calling import Caller, Result

NOW = datetime(2025, 3, 3, 1, 30, tzinfo=UTC)


@pytest.fixture
def code(syncd: Caller, delivered: Result) -> str:
    """A dossier that is known."""
    return str(syncd("log", "--json").json[0]["dossier"])


@pytest.fixture
def kept(world: World, code: str) -> dict[str, int]:
    """Documents in four states: their numbers."""
    pdf = Attachment(name="quyết định.pdf", content=b"%PDF-1.7 x", kind="application/pdf")
    result = IssuedDocument(id="result", stage=Stage.ISSUED, dossier=code, number="1/QĐ-UBND", issued_on=date(2025, 3, 3), signer="Triệu Văn Mẫu", files=(pdf,))
    with open_state(load(world.config)) as state:
        inbox, arrivals = Inbox(state.database, state.cipher), Arrivals(state.database, state.cipher)
        numbers = {
            "lost": arrivals.keep("dvcqg", IssuedDocument(id="lost", stage=Stage.ISSUED, files=(pdf,)), NOW).id,
            "bad": arrivals.keep(
                "dvcqg", IssuedDocument(id="bad", stage=Stage.ISSUED, dossier=code), NOW, Refusal(code="no_file", message="it has no file")
            ).id,
            "word": arrivals.keep("dvcqg", IssuedDocument(id="word", stage=Stage.SIGNED, dossier=code), NOW).id,
        }
        (entry,) = inbox.open("dvcqg", ["arrived"], NOW, 10)
        inbox.move(entry, "written", NOW)
        (entry,) = inbox.open("dvcqg", ["written"], NOW, 10)
        inbox.move(entry, "done", NOW)
        return {**numbers, "result": arrivals.keep("dvcqg", result, NOW).id}


def test_the_list_says_what_needs_a_person_and_why(syncd: Caller, kept: dict[str, int]) -> None:
    listed = syncd("inbox", "list", "--json").json
    assert [(each["id"], each["state"]) for each in listed] == [(kept["lost"], "held"), (kept["bad"], "refused"), (kept["result"], "arrived")]
    assert set(listed[0]) >= {"id", "target", "document", "state", "stage", "dossier", "draft", "received_at", "error"}
    assert listed[0]["error"]["code"] == "no_dossier"
    assert "quyết định" not in str(listed)
    shown = syncd("inbox", "list").out
    assert "needs a person" in shown
    assert "syncd inbox assign ID CODE" in shown
    assert len(syncd("inbox", "list", "--all", "--json").json) == 4
    assert [each["id"] for each in syncd("inbox", "list", "--state", "done", "--target", "dvcqg", "--json").json] == [kept["word"]]
    assert syncd("inbox", "list", "--state", "void").out == "There are no such documents.\n"
    assert syncd("inbox", "list", "--state", "void", "--all").code == exits.USAGE
    assert syncd("inbox", "list", "--target", "nowhere").code == exits.NOT_FOUND


def test_the_list_is_there_in_vietnamese(syncd: Caller, kept: dict[str, int]) -> None:
    shown = syncd("--lang", "vi", "inbox", "list").out
    assert "gác lại (cần người xử lý)" in shown
    assert "văn bản không nêu hồ sơ nào đã biết" in shown


def test_one_document_shows_what_it_says_only_when_asked_to_reveal_it(syncd: Caller, kept: dict[str, int], code: str) -> None:
    number = str(kept["result"])
    hidden = syncd("inbox", "show", number)
    assert "Triệu Văn Mẫu" not in hidden.out
    assert "quyết định.pdf" not in hidden.out
    assert "application/pdf" in hidden.out
    assert code in hidden.out
    shown = syncd("inbox", "show", number, "--reveal")
    assert "Triệu Văn Mẫu" in shown.out
    assert "quyết định.pdf" in shown.out
    assert syncd("inbox", "show", number, "--json").json["said"] is None
    assert syncd("inbox", "show", str(kept["bad"])).code == exits.DONE
    assert syncd("inbox", "show", "999").code == exits.NOT_FOUND


def test_a_held_document_is_completed_step_by_step(syncd: Caller, kept: dict[str, int], code: str) -> None:
    number = str(kept["lost"])
    rehearsed = syncd("inbox", "assign", number, code, "--number", "9/QĐ-UBND", "--dry-run")
    assert rehearsed.code == exits.FAILED
    assert rehearsed.out.startswith(f"{number} would be held (needs a person): another result was issued")
    still = syncd("inbox", "assign", number, code, "--date", "03/03/2025")
    assert still.code == exits.FAILED
    assert "gives no number" in still.out
    done = syncd("inbox", "assign", number, "--number", "9/QĐ-UBND", "--signer", "Đàm Thị Mẫu", "--reason", "read on the paper", "--force")
    assert (done.code, done.out) == (exits.DONE, f"{number} is arrived (to be written)\n")
    said = syncd("inbox", "show", number, "--reveal", "--json").json["said"]
    assert (said["number"], said["issued_on"], said["signer"]) == ("9/QĐ-UBND", "2025-03-03", "Đàm Thị Mẫu")
    story = syncd("show", code)
    assert "read on the paper" in story.out
    assert "inbox assign" in story.out


@pytest.mark.parametrize("text", ["yesterday", "2025-13-01"])
def test_a_date_that_is_none_is_a_mistake_of_use(syncd: Caller, kept: dict[str, int], text: str) -> None:
    assert syncd("inbox", "assign", str(kept["lost"]), "--date", text).code == exits.USAGE


def test_what_is_tried_again_must_be_said_once(syncd: Caller, kept: dict[str, int]) -> None:
    for which in ((), ("--all", "--target", "dvcqg"), (str(kept["lost"]), "--all"), ("--all", "--force")):
        assert syncd("inbox", "retry", *which).code == exits.USAGE
    assert syncd("inbox", "retry", "--all", "--dry-run").out.startswith(f"{kept['lost']} would be held")
    assert syncd("inbox", "retry", str(kept["result"])).out == f"{kept['result']} is arrived (to be written)\n"
    assert "no known dossier" in syncd("inbox", "retry", "--target", "dvcqg").out
    assert syncd("inbox", "retry", str(kept["word"])).code == exits.NOT_FOUND


def test_there_may_be_nothing_to_try_again(syncd: Caller, delivered: Result) -> None:
    assert syncd("inbox", "retry", "--all").out == "There are no such documents.\n"


def test_a_story_tells_what_came_back(syncd: Caller, kept: dict[str, int], code: str) -> None:
    events = [event for event in syncd("show", code, "--json").json["events"] if event["kind"] == "document"]
    assert [(event["detail"]["document"], event["detail"]["station"]) for event in events] == [
        *[("bad", "received"), ("word", "received"), ("word", "written"), ("word", "acknowledged")],
        ("result", "received"),
    ]
    assert events[0]["target"] == "dvcqg"
    assert "issued, received" in syncd("show", code).out
    assert "it has no file" in syncd("show", code).out


def test_the_doctor_says_what_keeps_documents_from_the_one_stop(syncd: Caller, world: World, delivered: Result) -> None:
    office = '\n[targets.office]\nconnector = "tdoffice"\nbase_url = "http://127.0.0.1:1"\ntoken = "invented"\nagency_code = "H03"\ntimeout = "1s"\n'
    world.config.write_text(world.config.read_text("utf-8") + office, "utf-8")
    path = str(load(world.config).source.model_dump()["url"]).removeprefix("sqlite:///")
    with sqlite3.connect(path) as onestop:
        onestop.executescript("DROP TABLE IF EXISTS syncd_inbox_file; DROP TABLE IF EXISTS syncd_inbox;")
        hints = [check["hint"] for check in _writing_back(syncd)]
        assert hints == ["have the one-stop's administrator run config/inbox/sqlite.sql"] * 2
        onestop.executescript((Path(__file__).parents[2] / "config" / "inbox" / "sqlite.sql").read_text("utf-8"))
        assert [check["ok"] for check in _writing_back(syncd)] == [True]
    onestop.close()


def _writing_back(syncd: Caller) -> list[dict[str, Any]]:
    return [check for check in syncd("doctor", "--json").json if check["name"] == "writing back"]
