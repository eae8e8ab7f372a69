"""What the connector to a province's LGSP can be told. No two provinces have the same platform: what its contract leaves open is
here or in the mapping, each with the assumption as default."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from syncd.options import Duration, TargetOptions

Dialect = Literal["wso2_basic", "wso2_form", "vnpt_lgsp", "static", "oauth2_password"]
_URL = r"^$|^https?://\S+$"
_NEEDS = {
    "wso2_basic": ("token_url", "consumer_key", "consumer_secret"),
    "wso2_form": ("token_url", "consumer_key", "consumer_secret"),
    "vnpt_lgsp": ("access_key", "secret_key", "app_name", "partner_code", "partner_code_cus"),
    "static": ("token",),
    "oauth2_password": ("token_url", "consumer_key", "consumer_secret", "username", "password"),
}
_NONE = SecretStr("")


class LgspOptions(TargetOptions):
    """[targets.lgsp]"""

    mapping: str = Field("lgsp", description="mapping file: a name under mappings/lgsp/ or a path")
    workers: int = Field(2, ge=1, le=64, description="calls at the same time")
    batch: int = Field(1, ge=1, le=1, description="a call carries one dossier")
    rate: float = Field(1, ge=0, description="calls a second, 0 = unlimited; a platform throttles at a rate it does not tell")
    timeout: Duration = Field("60s", gt=timedelta(0), description="longest wait for one answer")  # type: ignore[assignment]

    base_url: str = Field("", examples=["https://lgsp.backan.example/hoso/1.0"], pattern=_URL, description="needed: where the operations are")
    document_url: str = Field("", pattern=_URL, description="whole address for dossiers; default: base_url/Document/SyncDocument")
    traces_url: str = Field("", pattern=_URL, description="whole address for steps; default: base_url/Document/UpdateDocumentTraces")
    statistic_url: str = Field("", pattern=_URL, description="whole address for statistics; default: base_url/Statistic/UpdateStatistic")
    statistics: bool = Field(True, description="whether the statistics of each agency are sent, for the month and the year")
    attachments: Literal["named", "content"] = Field(
        "named", description="named: the papers are told of, without their content; content: each is fetched from its address and sent along"
    )
    largest: int = Field(20, ge=1, le=200, description="attachments = content: MB (10^6 bytes) that one file may have")
    largest_call: int = Field(60, ge=1, le=500, description="attachments = content: MB that the files of one dossier may have together")

    auth: Dialect = Field("wso2_basic", description="wso2_basic | wso2_form | vnpt_lgsp | static | oauth2_password: how the platform wants to know us")
    token_url: str = Field("", examples=["https://lgsp.backan.example/token"], pattern=_URL, description="needed for a token: where it is given")
    consumer_key: str = Field("", examples=["motcua-backan"], description="wso2 and oauth2, needed: key of our application (client id)")
    consumer_secret: SecretStr = Field(_NONE, description="and its secret")
    username: str = Field("", description="oauth2_password, needed: user name")
    password: SecretStr = Field(_NONE, description="and password")
    token: SecretStr = Field(_NONE, description="static, needed: the token")
    token_header: str = Field("Authorization", pattern=r"^[A-Za-z0-9_-]+$", description="static: header in which it goes")
    token_scheme: str = Field("Bearer", pattern=r"^[\x21-\x7e]*$", description='static: word before it; "" = none')
    access_key: SecretStr = Field(_NONE, description="vnpt_lgsp, needed: AccessKey")
    secret_key: SecretStr = Field(_NONE, description="vnpt_lgsp, needed: SecretKey")
    app_name: str = Field("", description="vnpt_lgsp, needed: AppName")
    partner_code: str = Field("", description="vnpt_lgsp, needed: PartnerCode")
    partner_code_cus: str = Field("", description="vnpt_lgsp, needed: PartnerCodeCus")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        missing = [name for name in _NEEDS[self.auth] if not _filled(getattr(self, name))]
        if missing:
            raise ValueError(f'auth = "{self.auth}" needs {", ".join(missing)}')
        if not re.fullmatch(r"[\x20-\x7e]*", self.token.get_secret_value()):
            raise ValueError("token cannot stand in a header; is there a line break in it?")
        if not self.base_url and not (self.document_url and self.traces_url and (self.statistic_url or not self.statistics)):
            raise ValueError("base_url is needed, or a whole address for each operation")
        return self

    def url(self, given: str, path: str) -> str:
        """The address of an operation: the one given, else the usual path."""
        return given or f"{self.base_url.rstrip('/')}/{path}"


def _filled(value: str | SecretStr) -> bool:
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)
