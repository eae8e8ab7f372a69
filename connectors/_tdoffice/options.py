"""What the connector to Tân Dân's document axis can be told. What its contract leaves open is here or in the mapping, each
with the assumption as default."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator

from syncd.options import OfficeOptions

MEGABYTE = 10**6


class TdofficeOptions(OfficeOptions):
    """[targets.tdoffice]"""

    mapping: str = Field("tdoffice", description="mapping file: a name under mappings/tdoffice/ or a path")
    base_url: str = Field(
        examples=["https://truc.vidu.example/lienthonghsqlvb"], pattern=r"^https?://\S+$", description="address of the axis, up to …/lienthonghsqlvb"
    )
    token: SecretStr = Field(description="static token of the one-stop at the axis")
    scheme: str = Field("Bearer", pattern=r"^[\w-]*$", description='word before the token in the header Authorization; "" = none')
    agency_code: str = Field(examples=["H03"], min_length=1, description="code of the province at the axis (maDonViCha)")
    top: int = Field(100, ge=1, le=1000, description="packages one listing brings")
    append_code: bool = Field(False, description="put the dossier's code behind the abstract of the draft, for people to match by")

    @field_validator("token")
    @classmethod
    def _fits_a_header(cls, given: SecretStr) -> SecretStr:
        text = given.get_secret_value()
        if not text:
            raise ValueError("is needed, the axis knows us by it")
        if not (text.isascii() and text.isprintable()) or text != text.strip():
            raise ValueError("holds characters that no HTTP header may hold")
        return given
