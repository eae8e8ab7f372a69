"""The document axis of Tân Dân (`lienthonghsqlvb`), by which a one-stop and TD-Office hand each other drafts and results.

Out goes a draft for signing, its file within the call. Back come packages: issued, signed without a number, not approved, or
signed and on the way. They are listed until they are acknowledged. The parts, each a module of `_tdoffice`: `mapping` puts
drafts into the axis's terms, `axis` makes the calls, `answers` says what came back means and `receipts` what may be read of it,
`collect` is the way back, `returns` makes documents of packages.

The axis cannot be asked about a draft and does not know one it has: sent twice is there twice. So a lost answer is for a person.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import msgspec

from connectors._files import Files
from connectors._http.calls import Http, problems
from connectors._http.outcomes import Trouble
from connectors._tdoffice.axis import SEND, Axis
from connectors._tdoffice.collect import TdofficeCollector
from connectors._tdoffice.mapping import FILES, OfficeMapping, Sent, load
from connectors._tdoffice.options import MEGABYTE, TdofficeOptions
from connectors._tdoffice.receipts import Receipts
from syncd.calls import Element, Portion, Receipt, Standing
from syncd.clock import Clock
from syncd.errors import ConfigurationError
from syncd.model import Dossier, Kind
from syncd.options import TargetOptions
from syncd.ports import Collector, Target
from syncd.strands import rest

FILES_A_PACKAGE = 3  #: largest files that one package may hold
_ENCODED = 1.4  #: base64 within JSON
_BESIDES = 4 * MEGABYTE
_MASKED = "…"


class Tdoffice:
    """The axis behind the `Target` port."""

    def __init__(self, name: str, options: TdofficeOptions, mapping: OfficeMapping, http: Http, files: Files, clock: Clock) -> None:
        self.name = name
        self.replaces = False
        self.gives_way = False  # it reads files, which may lie on a network
        self.batch = 1
        self.steps_per_call = 1
        self.longest = timedelta(seconds=2 * http.span)  # as much for the draft's file as for the call
        axis = Axis(options, http)
        self._returning = TdofficeCollector(options, mapping, axis, clock, http.span)
        self.collector: Collector | None = self._returning
        self._mapping = mapping
        self._http = http
        self._axis = axis
        self._clock = clock
        self._files = files
        self._receipts = Receipts(mapping.answers, axis.secrets())
        self._sent = msgspec.json.Decoder(Sent)

    def compose(self, portion: Portion) -> Element:
        """The draft in the axis's terms."""
        return self._mapping.compose(portion)

    def calls(self, element: Element) -> Sequence[Mapping[str, object]]:
        """The call that `send` would make; the content of the file stands as "…"."""
        sent = self._sent.decode(element.body)
        return [{"service": SEND, "body": _filled(sent, [_MASKED] * len(sent.files))}]

    def takes_steps(self, dossier: Dossier) -> bool:
        """None: only drafts go there."""
        return False

    def send(self, elements: Sequence[Element]) -> Receipt:
        """One call with one draft, its file read just before."""
        until, sent = self._clock.monotonic() + self.longest.total_seconds(), self._sent.decode(elements[0].body)
        contents: list[bytes] = []
        for where, entry in zip(sent.files, sent.call[FILES[0]][FILES[1]], strict=True):
            content = self._files.read(where, str(entry.get("Ten", "")), until)
            if isinstance(content, Trouble):
                return self._receipts.troubled(content)
            contents.append(content)
        answer = self._axis.post(SEND, _filled(sent, contents), until)
        return self._receipts.troubled(answer) if isinstance(answer, Trouble) else self._receipts.judged(answer, self._mapping.personal(sent.call))

    def look_up(self, portion: Portion) -> Standing | None:
        """The axis cannot be asked."""
        return None

    def holdings(self, first: date, last: date) -> Sequence[str] | None:
        """The axis has drafts, no dossiers."""
        return None

    def probe(self) -> Receipt:
        """Whether the axis answers and knows us: a listing of one package, which changes nothing."""
        return self._returning.probe()

    def close(self) -> None:
        """Release the connections."""
        self._http.close()
        self._files.close()


def _filled(sent: Sent, contents: Sequence[bytes | str]) -> dict[str, object]:
    """The call with the contents of its files, which JSON writes as base64."""
    draft = sent.call[FILES[0]]
    attached = [{**entry, "Base64": content} for entry, content in zip(draft[FILES[1]], contents, strict=True)]
    return {**sent.call, FILES[0]: {**draft, FILES[1]: attached}}


class TdofficeConnector:
    """What the entry point names."""

    options: type[TargetOptions] = TdofficeOptions

    def takes(self, options: TargetOptions) -> frozenset[Kind]:
        """Drafts."""
        return frozenset({Kind.DRAFT})

    def build(self, name: str, options: TargetOptions, *, clock: Clock, mappings: Path | None = None, sleep: Callable[[float], None] = rest) -> Target:
        """An axis ready to use; no network. Raises `ConfigurationError` with every problem."""
        own = TdofficeOptions.model_validate(options)
        found = problems(name, own)
        try:
            mapping = load(own.mapping, mappings, append_code=own.append_code)
        except ConfigurationError as error:
            raise ConfigurationError([*found, *error.problems]) from None
        if found:
            raise ConfigurationError(found)
        largest = int(own.largest * MEGABYTE * _ENCODED * FILES_A_PACKAGE) + _BESIDES
        http, files = Http(own, clock, sleep, largest=largest), Files(own, clock, sleep, own.largest * MEGABYTE)
        return Tdoffice(name, own, mapping, http, files, clock)


connector = TdofficeConnector()
