"""I-office, the document system in which drafts are signed and issued, as a target; and the way back for what was issued.

Two dialects, chosen by the options: `soap`, edXML in the operations of the shipped WSDL, and `vnpt`, the calls of VNPT iOffice. They
share everything but the wire: how a draft is put into I-office's terms, when its file is read, and what of an answer may be
kept. A receipt's message goes to logs and screens and loses the values of the draft and its dossier; its text is kept sealed
and may quote a citizen, but never a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import msgspec

from connectors._files import Files
from connectors._http.calls import Http, problems
from connectors._http.outcomes import Trouble
from connectors._ioffice.mapping import OfficeMapping, load
from connectors._ioffice.options import IofficeOptions
from connectors._ioffice.wire import LONGEST_MESSAGE, LONGEST_TEXT, Dispatch, Wire, clean, troubled
from connectors._secrets import beginning
from syncd.calls import Element, Portion, Receipt, Standing
from syncd.clock import Clock
from syncd.errors import ConfigurationError
from syncd.model import Dossier, Draft, Kind, Problem
from syncd.options import TargetOptions
from syncd.ports import Collector, Target
from syncd.redact import personal_values, redact
from syncd.strands import rest


class Ioffice:
    """I-office behind the `Target` port."""

    def __init__(self, name: str, mapping: OfficeMapping, wire: Wire, http: Http, files: Files, clock: Clock) -> None:
        self.name = name
        self.replaces = wire.replaces
        self.gives_way = False  # an errand belongs to a thread
        self.collector: Collector | None = wire.collector
        self.batch = 1
        self.steps_per_call = 1
        self.longest = timedelta(seconds=2 * http.span)  # as much for the file, and what else must go before the call, as for the call
        self._mapping = mapping
        self._wire = wire
        self._http = http
        self._files = files
        self._clock = clock

    def compose(self, portion: Portion) -> Element:
        """The draft in I-office's terms, all but the content of its file."""
        return self._mapping.compose(portion)

    def calls(self, element: Element) -> Sequence[Mapping[str, object]]:
        """The call that `send` would make; secrets and content stand as "…"."""
        return [self._wire.show(msgspec.json.decode(element.body, type=Dispatch))]

    def takes_steps(self, dossier: Dossier) -> bool:
        """Drafts have none."""
        return False

    def send(self, elements: Sequence[Element]) -> Receipt:
        """One draft; its file is read first."""
        until, dispatch = self._until(), msgspec.json.decode(elements[0].body, type=Dispatch)
        content = self._files.read(dispatch.file, dispatch.file_name, until)
        receipt = troubled(content) if isinstance(content, Trouble) else self._wire.send(dispatch, content, until)
        return clean(receipt, self._wire.secrets(), _quotable(dispatch))

    def look_up(self, portion: Portion) -> Standing | None:
        """What I-office knows of this draft; None where it cannot tell."""
        standing = self._wire.look_up(portion, self._until())
        if standing is None:
            return None
        secrets = self._wire.secrets()
        draft = portion.matter if isinstance(portion.matter, Draft) else None
        known = (*personal_values(portion.dossier), *((draft.title, draft.signer_name, draft.submitter_name) if draft else ()))
        message = redact(beginning(standing.message, secrets, LONGEST_TEXT), (*known, *secrets))[:LONGEST_MESSAGE]
        return msgspec.structs.replace(standing, message=message, text=beginning(standing.text, secrets, LONGEST_TEXT))

    def holdings(self, first: date, last: date) -> Sequence[str] | None:
        """An I-office has drafts, no dossiers."""
        return None

    def probe(self) -> Receipt:
        """Whether I-office answers and knows us."""
        return clean(self._wire.probe(self._until()), self._wire.secrets())

    def close(self) -> None:
        """Stop receiving and release the connections."""
        if self.collector is not None:
            self.collector.close()
        self._http.close()
        self._files.close()

    def _until(self) -> float:
        return self._clock.monotonic() + self.longest.total_seconds()


def _quotable(dispatch: Dispatch) -> tuple[str, ...]:
    """What of a draft must not stand in a message: all that says who is concerned."""
    told = (dispatch.title, dispatch.file_name, dispatch.signer, dispatch.signer_name, dispatch.submitter, dispatch.submitter_name, *dispatch.personal)
    return tuple(value for value in told if value and value != dispatch.dossier)


class IofficeConnector:
    """What the entry point names."""

    options: type[TargetOptions] = IofficeOptions

    def takes(self, options: TargetOptions) -> frozenset[Kind]:
        """Drafts."""
        return frozenset({Kind.DRAFT})

    def build(self, name: str, options: TargetOptions, *, clock: Clock, mappings: Path | None = None, sleep: Callable[[float], None] = rest) -> Target:
        """An I-office ready to use; no network. Raises `ConfigurationError` with every problem."""
        own = IofficeOptions.model_validate(options)
        found = [*problems(name, own), *_missing(name, own)]
        try:
            mapping = load(own, mappings)
        except ConfigurationError as error:
            raise ConfigurationError([*found, *error.problems]) from None
        if found:
            raise ConfigurationError(found)
        http = Http(own, clock, sleep, largest=own.largest * 4_000_000 + 4_000_000)  # two files, twice in base64
        wire = _vnpt(own, http, clock, mappings) if own.dialect == "vnpt" else _soap(own, mapping, http, clock)
        return Ioffice(name, mapping, wire, http, Files(own, clock, sleep, own.largest * 1_000_000), clock)


def _missing(name: str, options: IofficeOptions) -> list[Problem]:
    if options.dialect != "soap" or not options.wsdl or options.wsdl.startswith(("http://", "https://")) or Path(options.wsdl).is_file():
        return []
    return [Problem(field=f"targets.{name}.wsdl", reason=f"there is no file {options.wsdl}", hint="check the path and its permissions")]


def _soap(options: IofficeOptions, mapping: OfficeMapping, http: Http, clock: Clock) -> Wire:
    from connectors._ioffice.soap import Soap

    return Soap(options, mapping, http, clock)


def _vnpt(options: IofficeOptions, http: Http, clock: Clock, mappings: Path | None) -> Wire:
    from connectors._ioffice import vnpt

    return vnpt.load(options, http, clock, mappings)


connector = IofficeConnector()
