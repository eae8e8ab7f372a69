"""A province's integration platform (LGSP) as a target: dossiers, their steps one by one, and the statistics of agencies.

The parts, each a module of `_lgsp`: `mapping` puts all that into the platform's terms, `auth` obtains the token, `faults`,
`throttle` and `verdicts` understand the gateway in front, `wire` goes through it, `answers` reads what the system behind it
says, `options` is what an administrator can say. Here they become a `Target`.

The platform cannot be asked what it holds; a dossier that is sent again replaces itself. A receipt's message goes to logs and
screens and loses the values of what it answers; its text is kept sealed and may quote a citizen, but never a secret.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import msgspec

from connectors._files import Files
from connectors._http.calls import Http, problems
from connectors._http.outcomes import Answered, Trouble
from connectors._lgsp.answers import read
from connectors._lgsp.auth import Authority
from connectors._lgsp.mapping import DOCUMENT, STATISTIC, TRACES, LgspMapping, load
from connectors._lgsp.options import LgspOptions
from connectors._lgsp.throttle import Throttle
from connectors._lgsp.verdicts import Judge
from connectors._lgsp.wire import Wire
from connectors._secrets import beginning, hide
from syncd.calls import Element, Outcome, Portion, Receipt, Standing
from syncd.clock import Clock
from syncd.errors import ConfigurationError
from syncd.model import Dossier, Kind
from syncd.options import TargetOptions
from syncd.ports import Collector, Target
from syncd.redact import code, redact
from syncd.strands import rest

LONGEST_MESSAGE = 300
LONGEST_TEXT = 2000
_MB = 1_000_000
_REFUSED = "correct in the one-stop what the platform names; which values of Status mean success is set in the mapping"
_TOO_LARGE = "raise largest_call where the platform takes more, or send the papers without content (attachments)"
_NO_GET = ("501", "900906")  #: an operation that takes no GET says so; it is there and knows us
MASKED = "…"


class Lgsp:
    """The platform behind the `Target` port."""

    def __init__(self, name: str, options: LgspOptions, mapping: LgspMapping, clock: Clock, sleep: Callable[[float], None]) -> None:
        self.name = name
        self.replaces = True
        self.gives_way = options.attachments == "named"  # else it reads files, which may lie on a network
        self.collector: Collector | None = None
        self.batch = 1
        self.steps_per_call = 1
        self._clock = clock
        self._mapping = mapping
        self._contents = options.attachments == "content"
        self._http = Http(options, clock, sleep)
        self._files = Files(options, clock, sleep, options.largest * _MB)
        self._largest_call = options.largest_call * _MB
        self.longest = timedelta(seconds=(3 if self._contents else 2) * self._http.span)  # as much again for the token, and for files
        judge = Judge(name, Throttle(clock))
        self._authority = Authority(options, self._http, clock, judge.token)
        self._wire = Wire(self._http, self._authority, judge, clock, sleep)
        self._urls = {
            DOCUMENT: options.url(options.document_url, "Document/SyncDocument"),
            TRACES: options.url(options.traces_url, "Document/UpdateDocumentTraces"),
            STATISTIC: options.url(options.statistic_url, "Statistic/UpdateStatistic"),
        }

    def compose(self, portion: Portion) -> Element:
        """The portion in the platform's terms."""
        return self._mapping.compose(portion)

    def calls(self, element: Element) -> Sequence[Mapping[str, object]]:
        """The call that `send` would make; the content of a file stands as "…"."""
        body = msgspec.json.decode(element.body)
        for paper in body.get("Attachments", ()):
            paper["Base64"] = paper["Base64"] and MASKED
        return [{"service": element.lane, "body": body}]

    def takes_steps(self, dossier: Dossier) -> bool:
        """Of every dossier."""
        return True

    def send(self, elements: Sequence[Element]) -> Receipt:
        """One call with one element."""
        element, until = elements[0], self._until()
        body = self._filled(element, until - self._http.span)
        answer = body if isinstance(body, Trouble) else self._wire.send(self._urls[element.lane], body, until)
        personal = self._mapping.personal(element)
        if isinstance(answer, Trouble):
            return self._troubled(answer, personal)
        reply = read(answer, self._mapping.settings.answers.success)
        if isinstance(reply, Trouble):
            return self._troubled(reply, personal)
        told, message, text = self._code(reply.code), self._clean(reply.message, personal), self._text(answer.body)
        if reply.outcome is Outcome.DELIVERED:
            return Receipt(outcome=reply.outcome, exists=True, code=told, message=message, text=text, memo=_memo(element))
        return Receipt(outcome=reply.outcome, code=told, message=message or "the platform refuses without a reason", hint=_REFUSED, text=text)

    def _filled(self, element: Element, until: float) -> bytes | Trouble:
        """What is sent: the element, with the content of its files where that is wanted."""
        if element.lane != DOCUMENT or not self._contents:
            return element.body
        body, size = msgspec.json.decode(element.body), 0
        for paper in body["Attachments"]:
            content = self._files.read(paper["Base64"], str(paper.get("AttachmentName", "")), until) if paper["Base64"] else b""
            if isinstance(content, Trouble):
                return content._replace(message=f"paper {paper['AttachmentId']}: {content.message}", body=b"")
            size += len(content)
            if size > self._largest_call:
                return Trouble(Outcome.REJECTED, "files_too_large", f"the files have more than {self._largest_call / _MB:g} MB together", _TOO_LARGE)
            paper["Base64"] = base64.b64encode(content).decode("ascii")
        return msgspec.json.encode(body)

    def look_up(self, portion: Portion) -> Standing | None:
        """The platform has no such operation."""
        return None

    def holdings(self, first: date, last: date) -> Sequence[str] | None:
        """The platform has no such operation."""
        return None

    def probe(self) -> Receipt:
        """Whether the platform answers and knows us: a token, and a GET where dossiers are taken, which it refuses."""
        answer = self._wire.knock(self._urls[DOCUMENT], self._until())
        if isinstance(answer, Answered) or answer.code in _NO_GET:
            return Receipt(outcome=Outcome.DELIVERED, message="the platform answers and knows us")
        harmless = answer.outcome in (Outcome.UNKNOWN, Outcome.REJECTED)
        return self._troubled(answer._replace(outcome=Outcome.UNAVAILABLE) if harmless else answer, ())

    def close(self) -> None:
        """Release the connections."""
        self._http.close()
        self._files.close()

    def _until(self) -> float:
        return self._clock.monotonic() + self.longest.total_seconds()

    def _troubled(self, trouble: Trouble, personal: Iterable[str]) -> Receipt:
        told, message, text = self._code(trouble.code), self._clean(trouble.message, personal), self._text(trouble.body)
        return Receipt(outcome=trouble.outcome, code=told, message=message, hint=trouble.hint, text=text, retry_after=trouble.retry_after)

    def _code(self, given: str) -> str:
        return code(hide(given, self._authority.secrets()))

    def _clean(self, message: str, personal: Iterable[str]) -> str:
        """A message for logs and screens."""
        secrets = self._authority.secrets()
        return redact(beginning(message, secrets, LONGEST_TEXT), (*personal, *secrets))[:LONGEST_MESSAGE]

    def _text(self, body: bytes) -> str:
        """An answer without secrets, shortened."""
        return beginning(body, self._authority.secrets(), LONGEST_TEXT)


def _memo(element: Element) -> dict[str, str]:
    """The papers the platform has, once it has taken this dossier."""
    if element.lane != DOCUMENT:
        return {}
    papers = msgspec.json.decode(element.body)["Attachments"]
    return {element.subject: ",".join(str(paper["AttachmentId"]) for paper in papers if not paper["IsDeleted"])}


class LgspConnector:
    """What the entry point names."""

    options: type[TargetOptions] = LgspOptions

    def takes(self, options: TargetOptions) -> frozenset[Kind]:
        """Dossiers, and statistics unless they are switched off."""
        own = LgspOptions.model_validate(options)
        return frozenset({Kind.DOSSIER, Kind.STATISTIC} if own.statistics else {Kind.DOSSIER})

    def build(self, name: str, options: TargetOptions, *, clock: Clock, mappings: Path | None = None, sleep: Callable[[float], None] = rest) -> Target:
        """A platform ready to use; no network. Raises `ConfigurationError` with every problem."""
        own = LgspOptions.model_validate(options)
        found = problems(name, own)
        try:
            mapping = load(own.mapping, mappings, contents=own.attachments == "content")
        except ConfigurationError as error:
            raise ConfigurationError([*found, *error.problems]) from None
        if found:
            raise ConfigurationError(found)
        return Lgsp(name, own, mapping, clock, sleep)


connector = LgspConnector()
