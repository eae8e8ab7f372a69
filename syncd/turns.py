"""What goes next for one dossier at one target, and what an answer changes: pure.

A *turn* is the time a worker owns a dossier at a target. In it the record goes first, then the steps in their order, a
few at a time (law L4). `next_portion` says what is next; `after` says how the claim stands once an answer is known. The
delivery loop and `syncd preview` both walk these two functions, which is why a preview shows what is sent.

Three answers change more than themselves:
- *crossed*: the target had the dossier and we thought not, or the other way round. `created` flips and the same record goes
  the other way.
- a create that succeeds although the ledger had a record there: the target had lost the dossier, so it holds none of its
  steps either; they are sent again from the first.
- *unknown*: nothing is assumed. The claim becomes `unsure` and the next turn begins by asking the target. A record is then
  simply sent (it replaces itself), even where the officer took the change back meanwhile, for the target may hold it; steps
  are sent once more, and a second unknown in a row goes to a person.
"""

from __future__ import annotations

from msgspec.structs import replace

from syncd.calls import Claim, Operation, Outcome, Portion, Receipt

DOUBTS_ALLOWED = 1
UNKNOWN_TWICE = "unknown_twice"  #: error code of steps whose answer was lost twice in a row
UNKNOWN_SENT = "unknown_sent"  #: error code of what may have arrived once, at a target that would take it a second time


def next_portion(claim: Claim, steps_per_call: int, takes_steps: bool) -> Portion | None:
    """What must go to the target now, or None where it has everything."""
    if claim.record_due:
        return None if claim.withdrawn else _portion(claim, Operation.UPDATE if claim.created else Operation.CREATE)
    if not (takes_steps and claim.steps):
        return None
    run = claim.steps[:steps_per_call]
    return replace(_portion(claim, Operation.STEPS), steps=tuple(step for _, step in run))


def look_up(claim: Claim) -> Portion:
    """What the target is asked about where an outcome is not known."""
    return _portion(claim, Operation.LOOKUP)


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
            return replace(claim, created=bool(receipt.exists), sent_digest="")
        case Outcome.UNKNOWN if portion.operation is Operation.STEPS:
            return replace(claim, unsure=True, doubts=claim.doubts + 1)
        case Outcome.UNKNOWN:
            return replace(claim, unsure=True, sent_digest="")
        case _:
            return claim


def _steps_delivered(claim: Claim, count: int) -> Claim:
    return replace(claim, steps=claim.steps[count:], steps_sent=claim.steps[count - 1][0], unsure=False, doubts=0, failures=0)


def _record_delivered(claim: Claim, portion: Portion, receipt: Receipt) -> Claim:
    lost = portion.operation is Operation.CREATE and claim.steps_sent > 0
    return replace(
        claim,
        created=True,
        sent_version=claim.version,
        sent_digest=claim.digest,
        steps_sent=0 if lost else claim.steps_sent,
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
