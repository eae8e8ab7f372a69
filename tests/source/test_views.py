"""The mapping `views`: the same engine over five views a vendor made, and the DDL templates to make them from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import URL, text

from syncd.mapping_file import locate
from syncd.model import LONGEST_DRAFT, Fee, Origin, Paper, Status
from tests.source.opencps import ZONE, Follower, Province, only, reasons

TEMPLATES = Path(__file__).parents[2] / "config" / "views"
VIEWS = ("syncd_dossier", "syncd_step", "syncd_paper", "syncd_fee", "syncd_draft")
PRODUCTS = ("postgresql", "mariadb", "sqlserver", "oracle")


def statements(product: str) -> list[str]:
    """The statements of a template, without comments."""
    script = "\n".join(line.split("--")[0] for line in (TEMPLATES / f"{product}.sql").read_text(encoding="utf-8").splitlines() if line != "GO")
    return [statement.strip() for statement in script.split(";") if statement.strip()]


def columns(statement: str) -> list[str]:
    """The names of a view's columns."""
    return re.findall(r"\) AS (\w+)", statement)


def tables(product: str) -> list[str]:
    """The five views as tables, so that a test can put rows in."""
    made = []
    for statement in statements("mariadb" if product == "mysql" else "postgresql"):
        view = re.findall(r"CREATE VIEW (\w+)", statement)[0]
        fields = re.findall(r"CAST\(NULL AS ([^)]+\)?)\) AS (\w+)", statement)
        types = {"SIGNED": "BIGINT", "CHAR(255)": "VARCHAR(255)", "CHAR(4000)": "TEXT"}
        body = ", ".join(f"{name} {types.get(kind, kind)}" for kind, name in fields)
        made.append(f"CREATE TABLE {view} ({body})")
    return made


@pytest.fixture
def vendor(database_url: URL) -> Iterator[Province]:
    """A one-stop that shows itself as the five views (here: tables, to put rows in)."""
    with Province(database_url) as province:
        for statement in tables(database_url.get_backend_name()):
            province.execute(statement)
        yield province


def put(province: Province, view: str, **values: object) -> None:
    """A row of a view."""
    names = ", ".join(values)
    with province.transaction() as connection:
        connection.execute(text(f"INSERT INTO {view} ({names}) VALUES ({', '.join(f':{name}' for name in values)})"), values)  # noqa: S608


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_template_makes_the_five_views_with_a_comment_on_each_column(product: str) -> None:
    script = (TEMPLATES / f"{product}.sql").read_text(encoding="utf-8")
    made = {re.findall(r"CREATE VIEW (\w+)", statement)[0]: columns(statement) for statement in statements(product)}
    assert tuple(made) == VIEWS
    assert made == {re.findall(r"CREATE VIEW (\w+)", statement)[0]: columns(statement) for statement in statements("postgresql")}
    fields = [line for line in script.splitlines() if line.lstrip().startswith("CAST(")]
    assert all(re.search(r"-- \S+", line) for line in fields)
    assert ("UNTESTED" in script) == (product in ("sqlserver", "oracle"))


@pytest.mark.parametrize("product", ["postgresql", "mariadb"])
def test_the_templates_run_as_they_stand(request: pytest.FixtureRequest, product: str) -> None:
    with Province(request.getfixturevalue(f"{product}_url")) as province:
        for statement in statements(product):
            province.execute(statement)
        source = province.source(mapping="views")
        assert Follower(source).ids() == []
        assert [row.statement for row in source.plan()] == ["changed", "unstamped", "steps", "papers", "fees", "drafts"]


def test_the_views_become_the_model(vendor: Province) -> None:
    at = vendor.ago(days=1).replace(microsecond=0)
    put(
        vendor,
        "syncd_dossier",
        id=7,
        modified=at,
        code="A-7",
        origin="portal",
        portal_code="G22-7",
        procedure_code="1.000894",
        status="9",
        owner_kind="organisation",
        agency_code="H03.14",
        channel="online",
        return_by_post=True,
        paid_online="gateway",
        received_at=at,
    )
    put(vendor, "syncd_step", id=1, dossier_id=7, at=at, officer="Lý Thị Cán", content="Tiếp nhận", status="received")
    put(vendor, "syncd_step", id=2, dossier_id=7, at=at, content="Xong", status=None)
    put(vendor, "syncd_paper", id=3, dossier_id=7, name="Tờ khai", component="TP1", link="https://a.example.vn/1?x=1", digitised=True, result=False)
    put(vendor, "syncd_paper", id=4, dossier_id=7, name="Giấy", kind="KQ1", result=True)
    put(vendor, "syncd_paper", id=5, dossier_id=7, name="Cũ", result=True, removed=True)
    put(vendor, "syncd_fee", id=6, dossier_id=7, name="Phí", amount=20000, kind="charge", collected="1")
    put(vendor, "syncd_fee", id=7, dossier_id=7, name="Không", amount=0)
    snapshot = only(vendor.source(mapping="views", agency="H03"))
    dossier = snapshot.dossier
    assert (dossier.code, dossier.origin, dossier.portal_code, dossier.status) == ("A-7", Origin.PORTAL, "G22-7", Status.PROCESSED)
    assert (dossier.channel, dossier.return_by_post, dossier.paid_online) == ("online", True, "gateway")
    assert dossier.received_at == dossier.submitted_at == at.replace(tzinfo=ZONE)
    assert dossier.papers == (Paper(id="3", name="Tờ khai", component="TP1", link="https://a.example.vn/1?x=1", digitised=True),)
    assert dossier.results == (Paper(id="4", name="Giấy", kind="KQ1"),)
    assert dossier.fees == (Fee(name="Phí", amount=20000, kind="charge", collected="1"),)
    assert [step.status for step in snapshot.steps] == [Status.RECEIVED, Status.PROCESSED]
    assert dossier.problems == ()


def test_a_poll_of_views_goes_by_time_and_key(vendor: Province) -> None:
    at = vendor.ago(hours=1)
    for key in range(1, 6):
        put(vendor, "syncd_dossier", id=key, modified=at if key < 4 else at + timedelta(minutes=key), code=f"A-{key}", status="received")
    put(vendor, "syncd_dossier", id=6, modified=None, code="A-6", status="1")
    follower = Follower(vendor.source(mapping="views", page=2))
    assert follower.ids() == [1, 2, 3, 4, 5, 6]
    put(vendor, "syncd_dossier", id=7, modified=vendor.now(), code="A-7", status="1")
    assert 7 in follower.ids()
    assert follower.source.fetch("A-3")[0].snapshots[0].dossier.source_id == 3


def test_a_view_without_a_code_is_a_problem(vendor: Province) -> None:
    put(vendor, "syncd_dossier", id=1, status="received", owner_kind="alien")
    dossier = only(vendor.source(mapping="views")).dossier
    assert (dossier.code, set(reasons(dossier))) == ("#1", {"code", "owner.kind"})


def test_a_row_of_the_drafts_view_is_a_draft_with_its_own_signer(vendor: Province, tmp_path: Path) -> None:
    put(vendor, "syncd_dossier", id=7, modified=vendor.ago(hours=1), code="A-7", status="4")
    put(vendor, "syncd_draft", id=3, dossier_id=7, title="Quyết định", file="2026/q d.pdf", signer="chutich", submitter="canbo", kind="QĐ")
    copy = tmp_path / "own.toml"
    copy.write_text(locate("views", "onestop")[1].decode().replace('root = ""', 'root = "https://kho.example"'), encoding="utf-8")
    (draft,) = only(vendor.source(mapping=str(copy))).drafts
    assert (draft.id, draft.title, draft.kind, draft.file) == ("3", "Quyết định", "QĐ", "https://kho.example/2026/q%20d.pdf")
    assert (draft.signer, draft.submitter, draft.revision) == ("chutich", "canbo", "2026/q d.pdf")


def test_steps_without_a_key_of_their_own_are_a_problem_of_their_dossier(vendor: Province) -> None:
    for key in (7, 8):
        put(vendor, "syncd_dossier", id=key, modified=vendor.ago(hours=1), code=f"A-{key}", status="processing")
        put(vendor, "syncd_step", id=key, dossier_id=key, content="Tiếp nhận", status="received")
    for content in ("Chuyển", "Thẩm định"):
        put(vendor, "syncd_step", id=None, dossier_id=7, content=content, status="processing")
    put(vendor, "syncd_step", id=7, dossier_id=7, content="Tiếp nhận", status="received")
    put(vendor, "syncd_fee", id=None, dossier_id=8, name="Phí", amount=20000, kind="charge")
    put(vendor, "syncd_fee", id=None, dossier_id=8, name="Lệ phí", amount=8000, kind="fee")
    found = {snapshot.dossier.code: snapshot for snapshot in Follower(vendor.source(mapping="views")).poll()}
    assert reasons(found["A-7"].dossier) == {"steps": "3 of 4 rows have no key of their own in id"}
    assert [step.id for step in found["A-7"].steps] == [7]
    assert reasons(found["A-8"].dossier) == {}
    assert {fee.name for fee in found["A-8"].dossier.fees} == {"Phí", "Lệ phí"}


@pytest.mark.parametrize(("longest", "field"), [(LONGEST_DRAFT, None), (LONGEST_DRAFT + 1, "drafts")])
def test_a_draft_whose_key_the_state_cannot_keep_is_a_problem_of_its_dossier(sqlite_url: URL, longest: int, field: str | None) -> None:
    with Province(sqlite_url) as vendor:
        for statement in tables("sqlite"):
            vendor.execute(statement)
        put(vendor, "syncd_dossier", id=7, modified=vendor.ago(hours=1), code="A-7", status="4")
        put(vendor, "syncd_draft", id="k" * longest, dossier_id=7, title="Quyết định", file="q.pdf")
        snapshot = only(vendor.source(mapping="views"))
    assert [draft.id for draft in snapshot.drafts] == ([] if field else ["k" * longest])
    assert set(reasons(snapshot.dossier)) == ({field} if field else set())
