"""The SOAP service of I-office: an operation goes out, its answer comes back as plain values, or as the trouble that stood between.

The WSDL is the shipped one, one of the administrator's, or one that the province serves; it is read once, at the first call.
Nothing that zeep raises gets past here. What it raises before anything went out is a request that does not fit the WSDL; after that,
an answer that cannot be read; and a fault, which HTTP carries with status 500, is told apart from a server that fell over.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from unicodedata import normalize
from xml.sax.saxutils import quoteattr

from connectors._http.calls import Call, Http
from connectors._http.outcomes import Answered, Trouble, refused
from connectors._ioffice.mapping import OfficeMapping
from connectors._ioffice.options import IofficeOptions
from connectors._ioffice.wire import access_token, harmless
from connectors._tokens import Shared
from syncd.calls import Outcome
from syncd.clock import Clock

if TYPE_CHECKING:
    from connectors._ioffice.carrier import Brought, Client

FAULT = "fault:"  #: begins the code of a fault
SHIPPED_NAMESPACE = b'"http://tempuri.org/"'
_SHIPPED_ACTION = b'soapAction="http://tempuri.org/'
_FOR_EVER = timedelta(days=3650)
_WSDL_HINT = "check wsdl; it must be whole, for nothing it imports is fetched"


class Reply(NamedTuple):
    """An answer of the service itself."""

    values: Mapping[str, Any]
    body: bytes = b""  #: as it came, where it carries no content
    content: bytes | None = None
    broken: bool = False  #: there is content, and it is not base64

    def said(self, name: str) -> str:
        """A value as text; "" where it is absent."""
        return text(self.values.get(name))

    def many(self, name: str) -> list[Mapping[str, Any]]:
        """A list of structures."""
        return [entry for entry in self.values.get(name) or [] if isinstance(entry, dict)]


def text(value: object) -> str:
    """One spelling for a text: on one line, composed."""
    return "" if value is None else normalize("NFC", " ".join(str(value).split()))


class Service:
    """The service, ready to be called from any thread."""

    def __init__(self, options: IofficeOptions, mapping: OfficeMapping, http: Http, clock: Clock) -> None:
        self._options = options
        self._mapping = mapping
        self._http = http
        in_body = options.credentials == "body"
        self.credentials = {"userName": options.username, "userPass": options.password.get_secret_value()} if in_body else {}
        self._headers = {"User-Agent": "syncd", "Accept-Encoding": "identity", **({} if in_body else access_token(options))}
        self._clients: Shared[Client] = Shared(self._load, clock)

    def secrets(self) -> tuple[str, ...]:
        """What must not stand in any text."""
        options = self._options
        return tuple(
            filter(
                None, (*(s.get_secret_value() for s in (options.password, options.access_key, options.secret_key)), self._headers.get("lgspaccesstoken", ""))
            )
        )

    def call(self, operation: str, told: Mapping[str, object], until: float, *, content: bytes | None = None, repeatable: bool = False) -> Reply | Trouble:
        """One call; `content` goes as edXml. The trouble of a repeatable one says nothing against what it is about."""
        reply = self._call(operation, told, until, content, repeatable)
        return harmless(reply) if repeatable and isinstance(reply, Trouble) else reply

    def _call(self, operation: str, told: Mapping[str, object], until: float, content: bytes | None, repeatable: bool) -> Reply | Trouble:
        client = self._clients.get(until)
        if isinstance(client, Trouble):
            return client
        action = f"{self._options.action_prefix}{operation}" if self._options.action_prefix else ""
        given = {name: value for name, value in told.items() if value != ""} | self.credentials
        try:
            result = client.call(operation, given, until, content=content, repeatable=repeatable, action=action)
        except Exception as error:  # noqa: BLE001 zeep raises whatever it meets in what others wrote
            return self._translated(error, client.brought().answer, operation)
        return _reply(result, client.brought())

    def _translated(self, error: Exception, answer: Answered | Trouble | None, operation: str) -> Trouble:
        from connectors._ioffice.carrier import Carried

        if isinstance(error, Carried):
            return error.trouble
        if answer is None:
            return Trouble(Outcome.REJECTED, "wsdl", f"{operation} does not fit the WSDL: {_said(error)}", "check wsdl and the mapping")
        if hasattr(error, "code") and _is_fault(error):
            return self._fault(str(error.code), text(error), answer.body)
        if isinstance(answer, Trouble):
            return answer
        if answer.status >= 400:  # noqa: PLR2004 the classes of HTTP
            return refused(answer)
        return Trouble(
            Outcome.UNKNOWN, "unreadable", "no answer of I-office: no SOAP of this WSDL", "see what stands between us and I-office", body=answer.body
        )

    def _fault(self, code: str, said: str, body: bytes) -> Trouble:
        local = code.rpartition(":")[2]
        faults = self._mapping.faults
        outcome = next((faults[key] for key in (local, local.partition(".")[0]) if key in faults), Outcome.UNKNOWN)
        if self._mapping.bad_credentials.search(said):
            outcome = Outcome.UNAUTHORISED
        hint = "check username and password, then: syncd target probe" if outcome is Outcome.UNAUTHORISED else "ask the operator of I-office about this fault"
        return Trouble(outcome, f"{FAULT}{local[:30]}", f"I-office answers with a fault: {said}", hint, body=body)

    def _load(self, until: float) -> tuple[Client, timedelta] | Trouble:
        wsdl = self._wsdl(until)
        if isinstance(wsdl, Trouble):
            return wsdl
        from connectors._ioffice.carrier import Client

        try:
            return Client(wsdl, self._options.address, self._http, self._headers), _FOR_EVER
        except Exception as error:  # noqa: BLE001 as above
            return Trouble(Outcome.UNAVAILABLE, "wsdl", f"the WSDL cannot be used: {_said(error)}", _WSDL_HINT)

    def _wsdl(self, until: float) -> bytes | Trouble:
        where = self._options.wsdl
        if where.startswith(("http://", "https://")):
            answer = self._http.send(Call(where, b"", self._headers, "GET", repeatable=True), until)
            if isinstance(answer, Answered) and answer.status < 400:  # noqa: PLR2004
                return answer.body
            trouble = answer if isinstance(answer, Trouble) else refused(answer)
            return harmless(trouble)._replace(message=f"the WSDL cannot be had: {trouble.message}", body=b"")
        try:
            return Path(where).read_bytes() if where else shipped(self._options.namespace)
        except OSError as error:
            return Trouble(Outcome.UNAVAILABLE, "wsdl", f"the WSDL cannot be read: {error.strerror}", _WSDL_HINT)


def shipped(namespace: str) -> bytes:
    """The shipped WSDL, in another target namespace."""
    wsdl = files("mappings").joinpath("ioffice", "ioffice.wsdl").read_bytes()
    return wsdl.replace(_SHIPPED_ACTION, b'soapAction="' + quoteattr(namespace)[1:-1].encode()).replace(SHIPPED_NAMESPACE, quoteattr(namespace).encode())


def _is_fault(error: Exception) -> bool:
    return type(error).__name__ == "Fault" and error.code is not None  # type: ignore[attr-defined]


def _said(error: Exception) -> str:
    """The kind of error, and the first line of what it says."""
    first = text(str(error).strip().partition("\n")[0])
    return f"{type(error).__name__}: {first}"[:200]


def _reply(result: object, brought: Brought) -> Reply:
    values = _plain(result)
    told: Mapping[str, Any] = values if isinstance(values, dict) else {}
    try:
        content = brought.content()
    except ValueError:
        return Reply(told, broken=True)
    if content:
        return Reply(told, content=content)
    return Reply(told, brought.answer.body if brought.answer else b"", told.get("edXml"))


def _plain(value: Any) -> Any:
    """What zeep makes of a structure, as dictionaries and lists."""
    if hasattr(value, "__values__"):
        return {name: _plain(part) for name, part in value.__values__.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else value
