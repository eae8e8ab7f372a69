"""What the connector to the national portal can be told. What its contract leaves open is here or in the mapping, each with
the assumption as default."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from syncd.options import Duration, TargetOptions

_ENVELOPE = ("adapter_url", "agency_code", "username", "password")
_GATEWAY = ("create_url", "update_url", "progress_url")


class DvcqgOptions(TargetOptions):
    """[targets.dvcqg]"""

    mapping: str = Field("dvcqg", description="mapping file: a name under mappings/dvcqg/ or a path")
    transport: Literal["envelope", "gateway"] = Field(
        "envelope", description="envelope: the portal's own calls; gateway: a province's, which takes bare arrays"
    )
    profile: Literal["base27", "extended"] = Field("extended", description="base27: only the 27 fields of the regulation; extended: the later ones too")
    steps_per_call: int = Field(10, ge=1, le=100, description="steps a call")
    agency_code: str = Field(
        "", examples=["000.00.00.H03"], description="needed: code of the province (madonvi), looked up by date in the mapping's table of agencies"
    )

    adapter_url: str = Field(
        "",
        examples=["http://10.0.0.5:8080/VXPAdapter/RestService/forward"],
        pattern=r"^$|^https?://\S+$",
        description="needed: address of the province's security server, up to …/RestService/forward",
    )
    login_path: str = Field("mapi/login", description="path of the log-in behind adapter_url")
    data_path: str = Field("mapi/g", description="path of the services that take and find dossiers")
    share_path: str = Field("", description="path of the catalogues; default: data_path")
    dstcode: str = Field("VN:GOV:000.00.00.G22:vpcpdvcprovider", description='routing code of the portal; "" = none is sent')
    dstcode_in: Literal["query", "header"] = Field("query", description="query | header")
    username: str = Field("", examples=["000.00.00.H03"], description="needed: account of the province at the portal")
    password: SecretStr = Field(SecretStr(""), description="and its password")
    list_service: str = Field(
        "", pattern=r"^$|^\w+$", description='service that lists the dossiers received between two days, as DanhSachHoSo; "" = the portal cannot list'
    )
    session: Duration = Field("10m", gt=timedelta(0), description="how long a session is used before logging in again")  # type: ignore[assignment]

    create_url: str = Field("", pattern=r"^$|^https?://\S+$", description="gateway, needed: takes new dossiers; {agency} stands for the agency's code")
    update_url: str = Field("", pattern=r"^$|^https?://\S+$", description="gateway, needed: takes changed dossiers")
    progress_url: str = Field("", pattern=r"^$|^https?://\S+$", description="gateway, needed: takes steps")
    status_url: str = Field(
        "", pattern=r"^$|^https?://\S+$", description="gateway: takes the status of dossiers filed on the portal; without it those are refused"
    )
    lookup_url: str = Field("", pattern=r"^$|^https?://\S*\{code\}\S*$", description="gateway: finds the dossier {code}; without it the portal cannot be asked")
    catalogue_url: str = Field("", pattern=r"^$|^https?://\S+$", description="gateway: lists the procedures; without it their codes are not checked")
    lookup_method: Literal["POST", "GET"] = Field("POST", description="gateway: method of lookup_url and catalogue_url")

    catalogue: Duration = Field("24h", description="how long the portal's list of procedures is kept; 0s = codes are not checked")  # type: ignore[assignment]

    @model_validator(mode="before")
    @classmethod
    def _no_catalogue(cls, given: object) -> object:
        return {**given, "catalogue": "0s"} if isinstance(given, dict) and given.get("catalogue") == "" else given

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = _ENVELOPE if self.transport == "envelope" else _GATEWAY
        missing = [name for name in needed if not getattr(self, name)]
        if missing:
            raise ValueError(f'transport = "{self.transport}" needs {", ".join(missing)}')
        return self
