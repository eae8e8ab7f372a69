"""How an LGSP wants to know us: the dialects, and the life of a token.

    wso2_basic        token_url, key and secret as Basic authentication            Bearer
    wso2_form         token_url, key and secret in the form                        Bearer
    oauth2_password   the same with a user's name and password; a refresh token    Bearer
                      is used where one is given
    vnpt_lgsp         a header made of five values; a second token where token_url lgspaccesstoken, Bearer
    static            a token that somebody gave us                                any header

A token serves until a tenth of its life, at most a minute, is left. How long it lives is what the answer says, for a
gateway that is asked again may give the same token with what remains of it. One whose life is not told serves one call.
All workers share it, and one at a time obtains it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import quote_plus, urlencode

import msgspec

from connectors._http.calls import Call, Http
from connectors._http.outcomes import Answered, Trouble, refused
from connectors._lgsp.bodies import lowered, opened, spelt
from connectors._lgsp.options import LgspOptions
from connectors._tokens import Shared
from syncd.calls import Outcome
from syncd.clock import Clock

LONGEST_LIFE = timedelta(days=1)
_SOONER, _SHARE = timedelta(seconds=60), 0.1
_CERTAIN = (Outcome.UNAVAILABLE, Outcome.BUSY, Outcome.UNAUTHORISED)
_PASSING = ("temporarily_unavailable", "server_error", "slow_down")
_KEPT = 32
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "syncd"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_HINT = "check key, secret and account of auth, and token_url"

Judge = Callable[[Answered | Trouble], Answered | Trouble]


def vnpt_header(access_key: str, secret_key: str, app_name: str, partner_code: str, partner_code_cus: str) -> dict[str, str]:
    """The header by which VNPT's platform knows a partner: five values as JSON in base64."""
    told = {"AccessKey": access_key, "SecretKey": secret_key, "AppName": app_name, "PartnerCode": partner_code, "PartnerCodeCus": partner_code_cus}
    return {"lgspaccesstoken": base64.b64encode(msgspec.json.encode(told)).decode("ascii")}


class Token(NamedTuple):
    """A token that was given."""

    access: str
    refresh: str = ""


class Pass(NamedTuple):
    """What a call must carry, and the token in it, where there is one."""

    headers: Mapping[str, str]
    token: Token | None = None


class Authority:
    """Passes for one client of one platform."""

    def __init__(self, options: LgspOptions, http: Http, clock: Clock, judge: Judge) -> None:
        self._http = http
        self._judge = judge
        self._url = options.token_url
        self._fixed = _fixed(options)
        self._form = _form(options)
        self._form_headers = _HEADERS | _FORM | (self._fixed if options.auth == "vnpt_lgsp" else {}) | _basic(options)
        self._client = {"client_id": options.consumer_key, "client_secret": options.consumer_secret.get_secret_value()}
        self._tokens: Shared[Token] = Shared(self._obtain, clock)
        self._refresh = ""
        self._known: tuple[str, ...] = ()
        self._secrets = _secrets(options, (self._fixed, _basic(options)))

    def get(self, until: float) -> Pass | Trouble:
        """A pass, or why there is none; back before the second `until`."""
        if self._form is None:
            return Pass(self._fixed)
        token = self._tokens.get(until)
        return token if isinstance(token, Trouble) else Pass(self._fixed | {"Authorization": f"Bearer {token.access}"}, token)

    def renew(self, stale: Pass) -> bool:
        """Forget the token of this pass; whether there can be another one."""
        if stale.token is not None:
            self._tokens.drop(stale.token)
        return stale.token is not None

    def secrets(self) -> tuple[str, ...]:
        """What must not stand in any text."""
        return (*self._secrets, *self._known)

    def _obtain(self, until: float) -> tuple[Token, timedelta] | Trouble:
        """A new token: with the refresh token while that is good, else from the start."""
        refresh, self._refresh = self._refresh, ""
        if refresh:
            given = self._ask({"grant_type": "refresh_token", "refresh_token": refresh, **self._client}, until)
            if not isinstance(given, Trouble):
                return given
            if given.outcome is not Outcome.UNAUTHORISED:
                self._refresh = refresh
                return given
        return self._ask(self._form or {}, until)

    def _ask(self, form: Mapping[str, str], until: float) -> tuple[Token, timedelta] | Trouble:
        answer = self._judge(self._http.send(Call(self._url, urlencode(form).encode(), self._form_headers, repeatable=True), until))
        body = lowered(opened(answer.body))
        if isinstance(answer, Answered) and answer.status < 400 and isinstance(access := body.get("access_token"), str) and _fit(access):  # noqa: PLR2004
            refresh = body.get("refresh_token")
            self._refresh = refresh if isinstance(refresh, str) else ""
            self._known = (*self._known, *filter(None, (access, self._refresh)))[-_KEPT:]
            return Token(access, self._refresh), life(body.get("expires_in"))
        return _refusal(answer, body)


def life(told: object) -> timedelta:
    """How long a token is used whose answer tells this many seconds."""
    text = spelt(told)
    whole = timedelta(seconds=min(int(text), LONGEST_LIFE.total_seconds())) if re.fullmatch(r"[0-9]{1,100}", text) else timedelta()
    return whole - min(_SOONER, whole * _SHARE)


def _fit(token: str) -> bool:
    """Whether the token may stand in a header."""
    return re.fullmatch(r"[\x21-\x7e]+", token) is not None


def _refusal(answer: Answered | Trouble, body: Mapping[str, object]) -> Trouble:
    """Why there is no token. Whatever it is, no dossier was sent; and the body may hold secrets."""
    error = str(body.get("error", ""))
    named = error if re.fullmatch(r"[a-z_]{3,40}", error) else ""
    if named and named not in _PASSING and (isinstance(answer, Answered) or answer.outcome is Outcome.UNAUTHORISED):
        return Trouble(Outcome.UNAUTHORISED, named, f"no token is given to us: {named}", _HINT)
    if isinstance(answer, Answered):
        answer = refused(answer) if answer.status >= 400 else Trouble(Outcome.UNAVAILABLE, "no_token", "the answer holds no token")  # noqa: PLR2004
    outcome = answer.outcome if answer.outcome in _CERTAIN else Outcome.UNAVAILABLE
    return answer._replace(outcome=outcome, message=f"no token is given to us: {answer.message}", hint=answer.hint or _HINT, body=b"", again=False)


def _fixed(options: LgspOptions) -> dict[str, str]:
    """The headers that never change."""
    if options.auth == "static":
        return {options.token_header: f"{options.token_scheme} {options.token.get_secret_value()}".strip()}
    if options.auth == "vnpt_lgsp":
        keys = (options.access_key.get_secret_value(), options.secret_key.get_secret_value())
        return vnpt_header(*keys, options.app_name, options.partner_code, options.partner_code_cus)
    return {}


def _basic(options: LgspOptions) -> dict[str, str]:
    if options.auth != "wso2_basic":
        return {}
    pair = f"{options.consumer_key}:{options.consumer_secret.get_secret_value()}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode('ascii')}"}


def _form(options: LgspOptions) -> dict[str, str] | None:
    """What is sent for a token; None where there is none to be had."""
    client = {"client_id": options.consumer_key, "client_secret": options.consumer_secret.get_secret_value()}
    match options.auth:
        case "static":
            return None
        case "vnpt_lgsp":
            return {"grant_type": "client_credentials"} if options.token_url else None
        case "wso2_basic":
            return {"grant_type": "client_credentials"}
        case "wso2_form":
            return {"grant_type": "client_credentials", **client}
        case "oauth2_password":
            return {"grant_type": "password", **client, "username": options.username, "password": options.password.get_secret_value()}


def _secrets(options: LgspOptions, headers: tuple[Mapping[str, str], ...]) -> tuple[str, ...]:
    given = [secret.get_secret_value() for secret in (options.consumer_secret, options.password, options.token, options.access_key, options.secret_key)]
    made = [value.rpartition(" ")[2] for group in headers for value in group.values()]
    return tuple(dict.fromkeys(filter(None, [*given, *map(quote_plus, given), *made])))
