"""What goes next for one dossier at one target, and what an answer changes: pure.

A *turn* is the time a worker owns a dossier at a target. In it the record goes first, then the steps in their order, a
few at a time (law L4). `next_portion` says what is next; `after` says how the claim stands once an answer is known. The
delivery loop and `syncd preview` both walk these two functions, which is why a preview shows what is sent.

Three answers change more than themselves:
- *crossed*: the target had the dossier and we thought not, or the other way round. `created` flips and the same record goes
  the other way. Where it cannot have it from us (`strange`), its steps may be there too: they wait until a person has said
  whether what is there is to be adopted.
- a create that succeeds although the ledger had a record there: the target had lost the dossier, so it holds none of its
  steps either; they are sent again from the first.
- *unknown*: nothing is assumed. The claim becomes `unsure` and the next turn begins by asking the target. A record is then
  simply sent (it replaces itself), even where the officer took the change back meanwhile, for the target may hold it. Of steps
  those go that the target does not show; where it shows none, they are sent once more, and a second unknown in a row goes to a
  person.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from syncd.calls import Claim, Operation, Outcome, Portion, Receipt, Standing
from syncd.model import Step

DOUBTS_ALLOWED = 1
ENDS_ALLOWED = 4  #: times that syncd may end while the same steps are under way, which several kills in a row do; more is a loop
UNKNOWN_TWICE = "unknown_twice"  #: error code of steps whose answer was lost twice in a row
ALREADY_THERE = "already_there"  #: error code of a dossier that the target has, and not from us
STRANGE_TARGET = "it shows dossiers that this state never told it of"  #: why a target is paused before the first record
UNKNOWN_SENT = "unknown_sent"  #: error code of what may have arrived once, at a target that would take it a second time


def next_portion(claim: Claim, steps_per_call: int, takes_steps: bool) -> Portion | None:
    """What must go to the target now, or None where it has everything."""
    if claim.record_due:
        return None if claim.withdrawn else _portion(claim, Operation.UPDATE if claim.created else Operation.CREATE)
    if not (takes_steps and claim.steps):
        return None
    run = claim.steps[:1] if claim.owed else claim.steps[:steps_per_call]
    return replace(_portion(claim, Operation.STEPS), steps=tuple(step for _, step in run))


def look_up(claim: Claim) -> Portion:
    """What the target is asked about where an outcome is not known, with the steps it should tell of if it can."""
    return replace(_portion(claim, Operation.LOOKUP), steps=tuple(step for _, step in claim.steps))


def _portion(claim: Claim, operation: Operation) -> Portion:
    return Portion(operation=operation, dossier=claim.dossier, subject=claim.subject, matter=claim.matter, memo=claim.memo)


def after(claim: Claim, portion: Portion, receipt: Receipt) -> Claim:
    """The claim once `receipt` has answered `portion`."""
    match receipt.outcome:
        case Outcome.DELIVERED if portion.operation is Operation.STEPS:
            return _steps_delivered(claim, len(portion.steps))
        case Outcome.DELIVERED:
            return _record_delivered(claim, portion, receipt)
        case Outcome.CROSSED:
            strange = portion.operation is Operation.CREATE and not (claim.created or claim.sent_version or claim.doubtful)
            return replace(claim, created=bool(receipt.exists), sent_digest="", strange=strange)
        case Outcome.UNKNOWN if portion.operation is Operation.STEPS:
            return replace(claim, unsure=True, doubts=claim.doubts + 1)
        case Outcome.UNKNOWN:
            return replace(claim, unsure=True, sent_digest="")
        case _:
            return claim


def _steps_delivered(claim: Claim, count: int) -> Claim:
    last = claim.steps[count - 1][0]
    rest = tuple(place for place in claim.owed if place > last)
    return replace(claim, steps=claim.steps[count:], steps_sent=max(claim.steps_sent, last), owed=rest, unsure=False, doubts=0, failures=0)


def told(claim: Claim, standing: Standing, *, replaces: bool) -> Claim | None:
    """The claim with the target's word on whether it is there. What does not replace itself and is there is not sent again; None
    where the target may speak of an earlier one, and only a person can say."""
    if standing.exists and not replaces and claim.record_due:
        if claim.created:
            return None
        return replace(claim, unsure=False, created=True, sent_version=claim.version, sent_digest=claim.digest)
    settled = _seen(replace(claim, unsure=False), standing)
    if standing.exists is None or standing.exists is claim.created:
        return adopted(settled, standing)
    return adopted(replace(settled, created=standing.exists, sent_digest=""), standing)


def _seen(claim: Claim, standing: Standing) -> Claim:
    """The claim without the steps whose answer was lost, as far as the target shows them. Of those it does not show, yet, the doubt
    remains."""
    if standing.steps is None or not claim.doubts or claim.owed or claim.adopting is not None:
        return claim
    count = min(standing.steps.missing, default=len(claim.steps))
    last = claim.steps[count - 1][0] if count else claim.steps_sent
    rest = claim.steps[count:]
    return replace(claim, steps=rest, steps_sent=last, doubts=claim.doubts if rest else 0)


def adopted(claim: Claim, standing: Standing) -> Claim:
    """The claim once it is known what the target had of the dossier before we ever wrote it down (a lost state, a province that
    comes from another programme): what it has is taken as sent, and marked so.

    Where the target shows its steps, those it lacks are owed. Where it does not, the steps up to the last one with the status it
    shows are taken as sent, of those that were taken before the moment of adoption; where it shows no status of the dossier's
    history either, all of these. A later step cannot be there. Of a state that was an older copy the target was told some steps
    before: what it shows may then be the last of these, and nothing new is taken as sent."""
    if claim.adopting is None:
        return claim
    if not (standing.exists or (standing.exists is None and claim.created)):
        return replace(claim, adopting=None, strange=False)
    places = [place for place, _ in claim.steps]
    if standing.steps is not None:
        owed, last = tuple(places[n] for n in standing.steps.missing), max(places, default=0)
    else:
        last = max(_shown(claim, claim.adopting, standing), default=0)
        owed = (*claim.owed, *(place for place, step in claim.steps if place < last and not _made_by(step, claim.adopting)))
    had = [place for place in places if place <= last and place not in owed]
    rest = tuple(each for each in claim.steps if each[0] > last or each[0] in owed)
    sent, marked = max(last, claim.steps_sent), max(had, default=claim.adopted)
    return replace(claim, adopting=None, strange=False, adopted=marked, steps_sent=sent, owed=owed, steps=rest)


def _shown(claim: Claim, moment: datetime, standing: Standing) -> list[int]:
    """The places of the steps that a target must have which shows no more of the dossier than its status."""
    unsent = [(place, step) for place, step in claim.steps if place > claim.steps_sent and _made_by(step, moment)]
    shown = [place for place, step in unsent if step.status is standing.status]
    told_before = standing.status is not None and claim.steps_sent > 0
    return shown if shown or told_before else [place for place, _ in unsent]


def _made_by(step: Step, moment: datetime) -> bool:
    return step.at is None or step.at <= moment


def _record_delivered(claim: Claim, portion: Portion, receipt: Receipt) -> Claim:
    lost = portion.operation is Operation.CREATE and claim.steps_sent > 0
    return replace(
        claim,
        created=True,
        sent_version=claim.version,
        sent_digest=claim.digest,
        steps_sent=0 if lost else claim.steps_sent,
        owed=() if lost else claim.owed,
        steps=() if lost else claim.steps,
        unsure=False,
        doubts=0 if lost else claim.doubts,
        failures=0,
        memo=receipt.memo.get(claim.subject, claim.memo),
    )


def too_doubtful(claim: Claim, portion: Portion) -> bool:
    """Whether these steps were already sent again once without an answer: a person must look (contract of the portal:
    a progress entry has no key, so each further copy would be one too many)."""
    return portion.operation is Operation.STEPS and claim.doubts > DOUBTS_ALLOWED


def looping(claim: Claim, portion: Portion) -> bool:
    """Whether syncd seems to end each time it sends these steps."""
    return portion.operation is Operation.STEPS and claim.doubts > ENDS_ALLOWED
