"""The national public service portal (Cổng Dịch vụ công Quốc gia, DVCQG) as a target.

The parts, each a module of `_dvcqg`: `mapping` puts dossiers and steps into the portal's terms, `wires` carries them by
adapter or gateway, `answers` reads what comes back, `standing` holds it against the dossier, `catalogue` knows the portal's
procedures, `options` is what an administrator can say. Here they become a `Target`: answers become receipts, and receipts lose what must not be read.

A receipt's message goes to logs and screens. It loses the values of the elements it answers, which the portal likes to
quote, and everything with the shape of personal data. Its text is kept sealed and may quote a citizen, but never a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from connectors._dvcqg.answers import REMEMBERED, Answer, Answers
from connectors._dvcqg.catalogue import Catalogue, Listing
from connectors._dvcqg.mapping import CREATE, UPDATE, PortalMapping, Sent, load, moment
from connectors._dvcqg.options import DvcqgOptions
from connectors._dvcqg.standing import Compared, Comparing, Entry
from connectors._dvcqg.wires import SERVICES, Envelope, Gateway, Wire
from connectors._http.calls import Http, problems
from connectors._http.outcomes import Trouble
from connectors._secrets import beginning
from syncd.calls import Difference, Element, Outcome, Portion, Receipt, Standing
from syncd.clock import Clock
from syncd.errors import ConfigurationError
from syncd.model import Dossier, Kind, Origin, Problem
from syncd.options import TargetOptions
from syncd.ports import Collector, Target
from syncd.redact import code, personal_values, redact
from syncd.strands import rest

LONGEST_MESSAGE = 300
LONGEST_TEXT = 2000
_REFUSED = "correct in the one-stop what the portal names; about an unknown code ask the portal's operator"
_NO_STATUS = Problem(
    field="status_url",
    reason="is not set: the gateway takes no dossiers that were filed on the portal",
    hint="set status_url where the gateway has such an address",
)


class Dvcqg:
    """The portal behind the `Target` port."""

    def __init__(self, name: str, options: DvcqgOptions, mapping: PortalMapping, http: Http, clock: Clock) -> None:
        self.name = name
        self.replaces = True
        self.gives_way = True
        self.collector: Collector | None = None
        self.batch = options.batch
        self.steps_per_call = options.steps_per_call
        self.longest = timedelta(seconds=2 * http.span)  # as much for what must go before a call as for the call
        self._mapping = mapping
        self._http = http
        self._clock = clock
        self._answers = Answers(mapping.words)
        self._wire = self._wired(options)
        self._catalogue = Catalogue(self._wire.catalogue, options.catalogue, self._answers, clock)
        self._comparing = Comparing(mapping)
        self._records = msgspec.json.Decoder(list[Sent])

    def _wired(self, options: DvcqgOptions) -> Wire:
        def agency() -> str:
            return self._mapping.agency(options.agency_code, self._clock.now())

        if options.transport == "gateway":
            return Gateway(options, self._http, self._answers, agency)
        return Envelope(options, self._http, self._clock, self._answers, agency)

    def compose(self, portion: Portion) -> Element:
        """The portion in the portal's terms."""
        return self._mapping.compose(portion)

    def calls(self, element: Element) -> Sequence[Mapping[str, object]]:
        """The call that `send` would make; the session stands as "…"."""
        return [{"service": SERVICES[element.lane], "body": msgspec.json.decode(self._wire.body(element.lane, element.body))}]

    def takes_steps(self, dossier: Dossier) -> bool:
        """Of a dossier that was filed on the portal only the status is told."""
        return dossier.origin is not Origin.PORTAL

    def send(self, elements: Sequence[Element]) -> Receipt:
        """One call with elements of one lane."""
        until, lane = self._until(), elements[0].lane
        data = b",".join(element.body for element in elements)
        records = self._records.decode(b"[" + data + b"]") if lane in (CREATE, UPDATE) else []
        held = self._catalogue.check((record.procedure for record in records), until) if records else None
        answer = held or self._wire.send(lane, data, until)
        if isinstance(answer, Trouble):
            return self._troubled(answer)
        outcome, exists = self._answers.judge(answer, lane)
        if outcome is Outcome.DELIVERED:
            return Receipt(outcome=outcome, exists=exists, code=answer.code, text=self._text(answer), memo={record.code: record.memo for record in records})
        message = self._message(answer, self._mapping.personal(elements)) or "the portal refuses without a reason"
        return Receipt(
            outcome=outcome,
            exists=exists,
            code=code(answer.code),
            message=message,
            hint=_REFUSED if outcome is Outcome.REJECTED else "",
            text=self._text(answer),
        )

    def look_up(self, portion: Portion) -> Standing | None:
        """What the portal says of this dossier: that it is there, and where the answer has more, what of it differs."""
        dossier = portion.dossier
        portals = dossier.origin is Origin.PORTAL
        code = dossier.portal_code if portals else dossier.code
        answer = self._wire.look_up(code, self._until()) if code else None
        if answer is None:
            return None
        if isinstance(answer, Trouble):
            receipt = self._troubled(answer)
            return Standing(outcome=receipt.outcome, message=receipt.message, text=receipt.text, retry_after=receipt.retry_after)
        message, text = self._message(answer, personal_values(dossier)), self._text(answer)
        entries = self._entries(answer)
        if entries is None:
            return Standing(outcome=Outcome.DELIVERED, message=message or "the answer does not say", text=text)
        standing = Standing(outcome=Outcome.DELIVERED, exists=bool(entries), message=message, text=text)
        said = next((entry for entry in entries if str(entry.get("MAHOSO", code)) == code), None)
        return standing if said is None or portals else self._detailed(standing, portion, said)

    def _detailed(self, standing: Standing, portion: Portion, said: Entry) -> Standing:
        status = self._mapping.status(said.get("MATRANGTHAI")) or self._mapping.status(said.get("TRANGTHAIHOSO"))
        found: Compared = self._comparing.compare(portion, said)
        return replace(
            standing,
            status=status,
            received_at=moment(said.get("NGAYTIEPNHAN")),
            due_at=moment(said.get("NGAYHENTRA")),
            compared=found.fields,
            differences=tuple(self._told(each, personal_values(portion.dossier)) for each in found.differences),
            steps=found.steps,
        )

    def _told(self, each: Difference, known: Sequence[str]) -> Difference:
        """A difference fit to be read: the portal may have written a citizen's data where none belong."""
        return replace(each, expected=self._clean(each.expected, known), found=self._clean(each.found, known))

    def holdings(self, first: date, last: date) -> Sequence[str] | None:
        """The codes of the dossiers that the portal lists for these days, where a service for that is configured."""
        answer = self._wire.listing(first, last, self._until())
        if answer is None:
            return None
        entries = None if isinstance(answer, Trouble) else self._entries(answer)
        codes = [str(entry.get("MAHOSO") or "").strip() for entry in entries or ()]
        if entries is None or not all(codes):
            error = self._clean(answer.message, ()) or "the answer lists no dossiers"
            _log().warning("holdings_unknown", target=self.name, error_code=code(answer.code), error=error, first=f"{first}", last=f"{last}")
            return None
        return codes

    def _entries(self, answer: Answer) -> list[dict[str, object]] | None:
        """What was found, its keys in capitals; None where the answer does not say whether anything was."""
        if self._answers.absent(answer) and not answer.found:
            return []
        if answer.found is None or not self._answers.fine(answer):
            return None
        return [{key.upper(): value for key, value in entry.items()} if isinstance(entry, dict) else {} for entry in answer.found]

    def probe(self) -> Receipt:
        """Whether the portal answers and knows us: a log-in and its list of procedures, or a look-up of nothing."""
        until = self._until()
        trouble = self._wire.knock(until)
        listing = trouble or self._catalogue.listing(until, youngest=timedelta(seconds=1))
        if isinstance(listing, Listing) and not listing.codes:
            asked = self._wire.look_up("000", until)
            listing = asked if isinstance(asked, Trouble) else listing
        if isinstance(listing, Trouble):
            return self._troubled(listing)
        return Receipt(outcome=Outcome.DELIVERED, message=f"the portal answers and knows us; {listing.note}")

    def close(self) -> None:
        """Release the connections."""
        self._http.close()

    def _until(self) -> float:
        return self._clock.monotonic() + self.longest.total_seconds()

    def _troubled(self, trouble: Trouble) -> Receipt:
        message, text = self._clean(trouble.message, ()), beginning(trouble.body, self._wire.secrets(), LONGEST_TEXT)
        return Receipt(outcome=trouble.outcome, code=trouble.code, message=message, hint=trouble.hint, text=text, retry_after=trouble.retry_after)

    def _message(self, answer: Answer, known: Sequence[str] | set[str]) -> str:
        return self._clean(answer.message, known)

    def _clean(self, message: str, known: Iterable[str]) -> str:
        secrets = self._wire.secrets()
        return redact(beginning(message, secrets, LONGEST_TEXT), (*known, *secrets))[:LONGEST_MESSAGE]

    def _text(self, answer: Answer) -> str:
        """The answer without session and password, shortened."""
        return _text(answer, self._wire.secrets())


@lru_cache(REMEMBERED)
def _text(answer: Answer, secrets: tuple[str, ...]) -> str:
    return beginning(msgspec.json.encode(answer.body), secrets, LONGEST_TEXT)


def _log() -> Any:
    import structlog

    return structlog.get_logger(__name__)


class DvcqgConnector:
    """What the entry point names."""

    options: type[TargetOptions] = DvcqgOptions

    def takes(self, options: TargetOptions) -> frozenset[Kind]:
        """Dossiers."""
        return frozenset({Kind.DOSSIER})

    def build(self, name: str, options: TargetOptions, *, clock: Clock, mappings: Path | None = None, sleep: Callable[[float], None] = rest) -> Target:
        """A portal ready to use; no network. Raises `ConfigurationError` with every problem."""
        own = DvcqgOptions.model_validate(options)
        found = problems(name, own)
        try:
            mapping = load(own.mapping, own.profile, mappings, _NO_STATUS if own.transport == "gateway" and not own.status_url else None)
        except ConfigurationError as error:
            raise ConfigurationError([*found, *error.problems]) from None
        if found:
            raise ConfigurationError(found)
        return Dvcqg(name, own, mapping, Http(own, clock, sleep), clock)


connector = DvcqgConnector()
