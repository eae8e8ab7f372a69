"""What was read, made ready to be compared with what is stored: digests, contested codes, the places of steps. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from syncd.model import Dossier, Draft, Problem, Snapshot, Step, Value, digest, encode

FEW_BACK = 20  #: so many dossiers that went back in time surprise nobody
BACK = 0.001  #: and this share of the known ones; more is no officer's work


class Prepared(Value):
    """A snapshot made ready to compare and store."""

    subject: str
    dossier: Dossier
    body: bytes
    digest: str
    steps: tuple[tuple[Step, bytes], ...]
    steps_digest: str  #: of everything that belongs to the dossier: its steps and its drafts
    drafts: tuple[Draft, ...] = ()


class Known(Value):
    """What is stored of a dossier."""

    source_id: int
    version: int
    digest: str
    steps: int  #: place of the last one
    steps_digest: str


def prepare(each: Snapshot) -> Prepared:
    """The snapshot with its digests; each part is encoded once."""
    body = each.body()
    steps = tuple((taken, encode(taken)) for taken in each.steps)
    belongings = [*(text for _, text in steps), *map(encode, each.drafts)]
    return Prepared(
        subject=each.dossier.code,
        dossier=each.dossier,
        body=body,
        digest=digest(body),
        steps=steps,
        steps_digest=digest(b"\n".join(belongings)) if belongings else "",
        drafts=each.drafts,
    )


def same_row(each: Prepared, known: Mapping[str, Known]) -> bool:
    """Whether the code is free, or belongs to this very row of the one-stop."""
    before = known.get(each.subject)
    return before is None or before.source_id == each.dossier.source_id


def contested(each: Prepared) -> Prepared:
    """The second dossier of one code: stored apart, never sent, shown to a person."""
    problem = Problem(
        field="code",
        reason=f"the code is already used by another dossier of the one-stop (this row's key is {each.dossier.source_id})",
        hint="give one of the two dossiers its own code in the one-stop",
    )
    dossier = replace(each.dossier, code=f"{each.subject}#{each.dossier.source_id}", problems=(*each.dossier.problems, problem))
    return prepare(Snapshot(dossier=dossier, steps=tuple(taken for taken, _ in each.steps)))


def one_of_each(prepared: Iterable[Prepared]) -> list[Prepared]:
    """One entry a code; where one page holds the code twice for different rows, the later ones are set apart."""
    found: dict[str, Prepared] = {}
    for each in prepared:
        first = found.get(each.subject)
        entry = each if first is None or first.dossier.source_id == each.dossier.source_id else contested(each)
        found[entry.subject] = entry
    return list(found.values())


def unchanged(each: Prepared, before: Known | None) -> bool:
    """Whether nothing differs from what is stored."""
    return before is not None and before.digest == each.digest and before.steps_digest == each.steps_digest


def steps_differ(each: Prepared, before: Known | None) -> bool:
    """Whether the steps differ from those stored."""
    return each.steps_digest != (before.steps_digest if before else "")


def shows_fewer(each: Prepared, before: Known | None) -> bool:
    """Whether the steps are others than before, and fewer than there are places: some were taken back, now or earlier."""
    return before is not None and len(each.steps) < before.steps and steps_differ(each, before)


def next_version(before: Known | None) -> int:
    """The version the dossier will have."""
    return before.version + 1 if before else 1


def placed(each: Prepared, stored: Mapping[int, int], told: int, given: int) -> tuple[list[tuple[int, Step, bytes]], list[int], int]:
    """Steps to write with their places, places to forget, and the last place then; `given` is the last place ever given."""
    present = {taken.id for taken, _ in each.steps}
    lost = [place for step_id, place in stored.items() if place > told and step_id not in present]
    following = given + 1
    kept = []
    for taken, body in each.steps:
        place = stored.get(taken.id)
        if place is None:
            place, following = following, following + 1
        elif place <= told:
            continue
        kept.append((place, taken, body))
    standing = [place for place in stored.values() if place not in lost] + [place for place, _, _ in kept]
    return kept, lost, max(standing, default=0)


def differing(before: Dossier, now: Dossier) -> str:
    """The names of the fields in which two records differ."""
    return ",".join(name for name in now.__struct_fields__ if getattr(before, name) != getattr(now, name))
