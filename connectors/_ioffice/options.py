"""What the connector to I-office can be told, for both of its dialects. What the contract leaves open is here or in the mapping, each
with the assumption as default."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from syncd.options import Duration, OfficeOptions, OptionalPath

_NEEDED = {"soap": ("from_organ",), "vnpt": ("adapter_url", "send_path")}
_CREDENTIALS = {"body": ("username", "password"), "header": ("access_key", "secret_key")}


class IofficeOptions(OfficeOptions):
    """[targets.ioffice]"""

    mapping: str = Field("ioffice", description="mapping file: a name under mappings/ioffice/ or a path")
    dialect: Literal["soap", "vnpt"] = Field("soap", description="soap: edXML by SOAP; vnpt: VNPT iOffice, JSON there and a call back")

    wsdl: str = Field("", description='soap: path or https address of the WSDL; "" = the shipped one')
    address: str = Field(
        "",
        examples=["https://ioffice.tinh.example/services/hoso"],
        pattern=r"^$|^https?://\S+$",
        description="soap: address of the service; needed with the shipped WSDL, else the WSDL says it",
    )
    namespace: str = Field("http://tempuri.org/", pattern=r"^[^\s\"<>&]+$", description="soap: target namespace of the shipped WSDL")
    action_prefix: str = Field("", pattern=r"^[^\s\"<>&]*$", description='soap: what stands before an operation in SOAPAction; "" = as the WSDL says')
    credentials: Literal["body", "header"] = Field("body", description="soap: body: username and password in each request; header: the LGSP's lgspaccesstoken")
    username: str = Field("", examples=["motcua"], description="soap, needed for body: account of the one-stop at I-office")
    password: SecretStr = Field(SecretStr(""), description="and its password")
    from_organ: str = Field("", examples=["000.00.00.H03"], description="soap, needed: agency code of the one-stop")
    issuing_organ: str = Field("", description="soap: agency code of who issues; default: the agency of the dossier")
    submitter: str = Field("", description="soap: account at I-office that submits a draft for which the one-stop names no officer's")
    document_type: str = Field("", description="soap: document type of a draft for which the one-stop names none, a word of the mapping's table")
    lookback: Duration = Field("30d", gt=timedelta(0), description="soap: how far back issued documents are looked for")  # type: ignore[assignment]

    access_key: SecretStr = Field(SecretStr(""), description="VNPT LGSP: access key; needed for vnpt and for credentials in the header")
    secret_key: SecretStr = Field(SecretStr(""), description="VNPT LGSP: secret key")
    app_name: str = Field("", description="VNPT LGSP: name of the application")
    partner_code: str = Field("", description="VNPT LGSP: code of the partner")
    partner_code_cus: str = Field("", description="VNPT LGSP: code of the partner's customer")

    adapter_url: str = Field("", pattern=r"^$|^https?://\S+$", description="vnpt, needed: address of the gateway, before the paths")
    token_path: str = Field("", description='vnpt: path that gives a token, before the user id; "" = no token is asked for')
    send_path: str = Field("", description="vnpt, needed: path that takes drafts")
    user_id: str = Field("", description="vnpt: user id of the one-stop at iOffice")
    x_token: SecretStr = Field(SecretStr(""), description="vnpt: fixed token with which the other one is asked for")
    listen: str = Field("", examples=["127.0.0.1:8480"], description='vnpt: address on which iOffice hands back what was issued; "" = not received')
    listen_username: str = Field("", description="vnpt: user name iOffice must give there")
    listen_password: SecretStr = Field(SecretStr(""), description="and the password")
    listen_cert_file: OptionalPath = Field(None, description="vnpt: TLS certificate shown there; without one the listener belongs behind a proxy with TLS")
    listen_key_file: OptionalPath = Field(None, description="vnpt: its key, where it is not in the same file")
    token_life: Duration = Field("10m", gt=timedelta(0), description="vnpt: how long a token is used")  # type: ignore[assignment]
    action_code: str = Field("", description='vnpt: action code that means issued; "" = any')

    @field_validator("x_token")
    @classmethod
    def _fits_a_header(cls, given: SecretStr) -> SecretStr:
        text = given.get_secret_value()
        if not (text.isascii() and text.isprintable()) or text != text.strip():
            raise ValueError("holds characters that no HTTP header may hold")
        return given

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = [*_NEEDED[self.dialect], *(_CREDENTIALS[self.credentials] if self.dialect == "soap" else ())]
        if self.dialect == "soap" and not self.wsdl:
            needed.append("address")
        if self.dialect == "vnpt" and self.listen:
            needed += ["listen_username", "listen_password"]
        missing = [name for name in needed if not _given(getattr(self, name))]
        if missing:
            raise ValueError(f'dialect = "{self.dialect}" needs {", ".join(missing)}')
        return self


def _given(value: str | SecretStr) -> bool:
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)
