"""The second dialect of I-office: VNPT's, REST behind a VNPT LGSP.

A token is asked for with the fixed one, then a draft goes out as JSON, its file within. What was issued comes back by a call of
iOffice's (`vnpt_callback`), so the way back here only listens: nothing is ever listed, and nothing can be acknowledged but by
the answer to that call. iOffice cannot be asked about a draft, and does not know one it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import msgspec

from connectors._caller import Terms
from connectors._http.calls import Call, Http
from connectors._http.outcomes import Answered, Trouble
from connectors._ioffice import vnpt_answers
from connectors._ioffice.options import IofficeOptions
from connectors._ioffice.vnpt_answers import Answer, Answers
from connectors._ioffice.vnpt_callback import LARGEST, Callback
from connectors._ioffice.wire import MASKED, Dispatch, access_token, harmless, troubled
from connectors._listener import Listener, split
from connectors._tokens import Shared
from syncd.calls import Outcome, Portion, Receipt, Standing
from syncd.clock import Clock
from syncd.documents import IssuedDocument, Listing, Take, Verdict
from syncd.ports import Collector

SERVICE = "sendVB"
_MEGABYTE = 10**6
_FORM = 64 * 1024  #: bytes of a form beside its file
_KEPT_TOKENS = 16
_KNOWN_BY = "X-Authentication-Token"
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "Charset": "utf-8", "User-Agent": "syncd"}
_STRANGERS = "check access_key, secret_key, x_token and user_id, then: syncd target probe"
_REFUSED = "correct in the one-stop what iOffice names; what its answers mean is said in the mapping ioffice/vnpt"


class VnptCollector:
    """The way back: what iOffice calls us with."""

    def __init__(self, options: IofficeOptions, longest: timedelta) -> None:
        self.longest = longest
        self._options = options
        self._listener: Listener | None = None

    @property
    def port(self) -> int:
        """Where it listens; 0 where it does not."""
        return self._listener.port if self._listener is not None else 0

    def waiting(self, known: int) -> Listing:
        """Nothing: iOffice keeps no list for us."""
        return Listing(receipt=Receipt(outcome=Outcome.DELIVERED))

    def fetch(self, document: str) -> IssuedDocument | Receipt:
        """Nothing: what was handed over is kept here, and iOffice cannot be asked for it again."""
        return Receipt(outcome=Outcome.REJECTED, code="pushed", message="iOffice hands documents over by itself, none can be fetched")

    def acknowledge(self, document: str, verdict: Verdict) -> Receipt:
        """Done already: the answer to the call was the acknowledgement."""
        return Receipt(outcome=Outcome.DELIVERED)

    def listen(self, take: Take) -> None:
        """Begin to take calls. Raises `ConfigurationError` where the address or the certificate cannot be had."""
        options = self._options
        largest = min(options.largest * _MEGABYTE, LARGEST)
        terms = Terms(
            options.listen,
            options.listen_username,
            options.listen_password.get_secret_value(),
            largest + _FORM,
            options.timeout.total_seconds(),
            options.listen_cert_file,
            options.listen_key_file,
        )
        self._listener = Listener(terms, Callback(take, largest, options.action_code))

    def close(self) -> None:
        """Stop; a call under way is answered first."""
        if self._listener is not None:
            self._listener.close()


class Vnpt:
    """VNPT iOffice behind the `Wire` protocol."""

    replaces = False

    def __init__(self, options: IofficeOptions, http: Http, clock: Clock, answers: Answers) -> None:
        self._http = http
        self._answers = answers
        self._lgsp = access_token(options)
        self._fixed = options.x_token.get_secret_value()
        self._send_url = _address(options.adapter_url, options.send_path)
        self._token_url = _address(options.adapter_url, options.token_path) + quote(options.user_id, safe="") if options.token_path else ""
        self._lifetime: timedelta = options.token_life
        self._private = (self._fixed, options.secret_key.get_secret_value(), options.access_key.get_secret_value(), *self._lgsp.values())
        self._tokens: Shared[str] = Shared(self._ask_for_token, clock)
        self._known: tuple[str, ...] = ()
        self.collector: Collector | None = VnptCollector(options, timedelta(seconds=2 * http.span)) if options.listen else None

    def show(self, dispatch: Dispatch) -> Mapping[str, object]:
        """The call that `send` would make."""
        return {"service": SERVICE, "body": _body(dispatch, MASKED, MASKED)}

    def send(self, dispatch: Dispatch, content: bytes, until: float) -> Receipt:
        """Hand the draft over; with another token where iOffice does not know ours, once."""
        body = msgspec.json.encode(_body(dispatch, len(content), content))
        for _ in range(2):
            token = self._token(until)
            if isinstance(token, Trouble):
                return troubled(token)
            answer = self._post(body, token, until)
            if not self._token_url or not self._tokenless(answer):
                return self._receipt(answer)
            self._tokens.drop(token)
        return Receipt(outcome=Outcome.UNAUTHORISED, code=answer.code, message="iOffice refuses the token it has just given us", hint=_STRANGERS)

    def look_up(self, portion: Portion, until: float) -> Standing | None:
        """It cannot be asked."""
        return None

    def probe(self, until: float) -> Receipt:
        """Whether iOffice gives us a token; where it gives none, whether anybody answers at its address."""
        if self._token_url:
            found = self._ask_for_token(until)
            return troubled(found) if isinstance(found, Trouble) else Receipt(outcome=Outcome.DELIVERED, message="iOffice answers and knows us")
        knocked = self._http.send(Call(self._send_url, b"", self._headers(self._fixed), "GET", repeatable=True), until)
        if isinstance(knocked, Trouble):
            return troubled(harmless(knocked))
        return Receipt(outcome=Outcome.DELIVERED, message="somebody answers at iOffice's address")

    def secrets(self) -> tuple[str, ...]:
        """What must not stand in any text."""
        return tuple(filter(None, (*self._private, *self._known)))

    def _token(self, until: float) -> str | Trouble:
        return self._tokens.get(until) if self._token_url else self._fixed

    def _headers(self, token: str) -> dict[str, str]:
        return _HEADERS | self._lgsp | ({_KNOWN_BY: token} if token else {})

    def _post(self, body: bytes, token: str, until: float) -> Answer | Trouble:
        answered = self._http.send(Call(self._send_url, body, self._headers(token) | {"Content-Type": "application/json"}), until)
        return self._answers.read(answered) if isinstance(answered, Answered) else answered

    def _tokenless(self, answer: Answer | Trouble) -> bool:
        return answer.code == "401" if isinstance(answer, Trouble) else self._answers.tokenless(answer)

    def _receipt(self, answer: Answer | Trouble) -> Receipt:
        if isinstance(answer, Trouble):
            return troubled(answer)
        text = answer.body.decode("utf-8", "replace")
        if self._answers.fine(answer):
            return Receipt(outcome=Outcome.DELIVERED, code=answer.code, text=text)
        outcome, hint = (Outcome.UNAUTHORISED, _STRANGERS) if self._answers.tokenless(answer) else (Outcome.REJECTED, _REFUSED)
        return Receipt(outcome=outcome, code=answer.code, message=answer.message or "iOffice refuses without a reason", hint=hint, text=text)

    def _ask_for_token(self, until: float) -> tuple[str, timedelta] | Trouble:
        answered = self._http.send(Call(self._token_url, b"", self._headers(self._fixed), "GET", repeatable=True), until)
        answer = self._answers.read(answered) if isinstance(answered, Answered) else answered
        if isinstance(answer, Trouble):
            return harmless(answer)._replace(body=b"")
        token = vnpt_answers.at(answer.said, "data.token")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token.strip():
            said = answer.body if token is None else b""
            return Trouble(Outcome.UNAUTHORISED, answer.code or "no_token", "iOffice gives us no token", _STRANGERS, body=said)
        self._known = (*self._known, token.strip())[-_KEPT_TOKENS:]
        return token.strip(), self._lifetime


def _body(dispatch: Dispatch, size: int | str, content: bytes | str) -> dict[str, object]:
    """A draft as VNPT takes it; bytes become base64 when it is written."""
    return {"trichYeu": dispatch.title, "maHoSo": dispatch.dossier, "files": [{"size": size, "fileName": dispatch.file_name, "fileByte": content}]}


def _address(base: str, path: str) -> str:
    return f"{base.rstrip('/')}/{path.lstrip('/')}"


def load(options: IofficeOptions, http: Http, clock: Clock, mappings: Path | None) -> Vnpt:
    """The wire of these options; no network. Raises `ConfigurationError` with everything wrong."""
    if options.listen:
        split(options.listen)
    return Vnpt(options, http, clock, vnpt_answers.load(mappings))
