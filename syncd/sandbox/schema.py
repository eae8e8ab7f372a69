"""The tables of OpenCPS v2 that a reader of dossiers needs, for SQLite, PostgreSQL and MariaDB.

Columns, lengths and indexes are those of the real schema: there is no index on the modification time alone, which is
what makes polling hard. Times are without zone. On PostgreSQL the real system folds names to lower case; `folded`
does the same, and the rest of the sandbox sees one spelling either way.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Double, Engine, Index, Integer, MetaData, String, Table, Text, inspect
from sqlalchemy.dialects.mysql import DATETIME, LONGTEXT
from sqlalchemy.types import TypeEngine

_COLUMNS: Final = {
    "opencps_dossier": """
        uuid_:75 dossierId:key groupId:long companyId:long userId:long userName:255 createDate:date modifiedDate:date referenceUid:255 counter:long
        registerBookCode:100 registerBookName:1024 dossierRegister:255 processNo:128 serviceCode:128 serviceName:text govAgencyCode:128
        govAgencyName:512 applicantName:500 applicantIdType:128 applicantIdNo:128 applicantIdDate:date address:text cityCode:128 cityName:255
        districtCode:128 districtName:512 wardCode:128 wardName:512 contactName:text contactTelNo:128 contactEmail:255 delegateType:int
        delegateName:512 delegateIdNo:128 delegateTelNo:128 delegateEmail:255 delegateAddress:text delegateCityCode:128 delegateCityName:512
        delegateDistrictCode:128 delegateDistrictName:512 delegateWardCode:128 delegateWardName:512 documentNo:255 documentDate:date
        dossierTemplateNo:128 dossierTemplateName:text dossierNote:text submissionNote:text applicantNote:text briefNote:text dossierNo:255
        submitting:bool processDate:date submitDate:date receiveDate:date dueDate:date extendDate:date releaseDate:date finishDate:date
        cancellingDate:date correcttingDate:date dossierStatus:255 dossierStatusText:text dossierSubStatus:128 dossierSubStatusText:text
        folderId:long dossierActionId:long viaPostal:int postalServiceCode:255 postalServiceName:1024 postalAddress:text postalCityCode:255
        postalCityName:512 postalDistrictCode:255 postalDistrictName:512 postalWardCode:255 postalWardName:512 postalTelNo:128 password_:75
        notification:bool online_:bool original:bool serverNo:255 endorsementDate:date lockState:200 originality:int originDossierId:long
        sampleCount:long durationUnit:int durationCount:float dossierName:1000 originDossierNo:255 groupDossierId:75 metaData:text systemId:int
        dossierCounter:128 vnpostalStatus:int vnpostalProfile:text fromViaPostal:int multipleCheck:75
    """,
    "opencps_dossieraction": """
        uuid_:75 dossierActionId:key companyId:long groupId:long userId:long userName:255 createDate:date modifiedDate:date dossierId:long
        serviceProcessId:long previousActionId:long fromStepCode:255 fromStepName:512 fromSequenceNo:255 actionCode:100 actionUser:255
        actionName:512 actionNote:text actionOverdue:int syncActionCode:100 pending:bool rollbackable:bool stepCode:255 stepName:512 sequenceNo:255
        dueDate:date nextActionId:long payload:text stepInstruction:500 state_:int eventStatus:int
    """,
    "opencps_dossierfile": """
        uuid_:75 dossierFileId:key groupId:long companyId:long userId:long userName:255 createDate:date modifiedDate:date dossierId:long
        referenceUid:75 dossierTemplateNo:255 dossierPartNo:255 dossierPartType:int fileTemplateNo:255 displayName:500 formData:text
        fileEntryId:long original:bool eForm:bool isNew:bool removed:bool signCheck:int signInfo:text formScript:text formReport:text
        formSchema:text deliverableCode:255
    """,
    "opencps_paymentfile": """
        uuid_:75 paymentFileId:key groupId:long companyId:long userId:long userName:255 createDate:date modifiedDate:date dossierId:long
        referenceUid:75 govAgencyCode:128 govAgencyName:500 paymentFee:500 advanceAmount:long feeAmount:long serviceAmount:long shipAmount:long
        paymentAmount:long paymentNote:500 epaymentProfile:text bankInfo:text paymentStatus:int paymentMethod:255 confirmDatetime:date
        confirmPayload:text confirmFileEntryId:long confirmNote:75 approveDatetime:date accountUserName:500 govAgencyTaxNo:500 invoiceTemplateNo:500
        invoiceIssueNo:500 invoiceNo:500 invoicePayload:text einvoice:text invoiceFileEntryId:long
    """,
    "opencps_dossierstatusmapping": """
        dossierStatusMappingId:key groupId:long companyId:long userId:long userName:255 createDate:date modifiedDate:date statusCode:255
        statusCodeDVCQG:128 subStatusCode:128
    """,
    "opencps_processstep": """
        uuid_:75 processStepId:key companyId:long groupId:long userId:long userName:255 createDate:date modifiedDate:date stepCode:255
        serviceProcessId:long stepName:500 sequenceNo:255 dossierStatus:255 dossierSubStatus:255 durationCount:float customProcessUrl:255
        stepInstruction:text briefNote:text editable:bool restrictDossier:255 lockState:255 groupName:255 roleAsStep:255 checkInput:int
    """,
    "opencps_serviceinfo": """
        uuid_:75 serviceInfoId:key groupId:long companyId:long userId:long userName:255 createDate:date modifiedDate:date serviceCode:128
        serviceName:text processText:text methodText:text dossierText:text conditionText:text durationText:text applicantText:text resultText:text
        regularText:text feeText:text administrationCode:128 administrationName:500 administrationIndex:128 domainCode:128 domainName:text
        domainIndex:128 maxLevel:int public_:bool govAgencyText:text isNotarization:bool serviceNameTitle:500
    """,
    "opencps_serviceinfomapping": """
        serviceInfoMappingId:key groupId:long companyId:long userId:long userName:255 createDate:date modifiedDate:date serviceCode:128
        serviceCodeDVCQG:128 serviceNameDVCQG:text synced:int
    """,
    "opencps_applicant": """
        uuid_:75 applicantId:key groupId:long companyId:long userId:long userName:255 createDate:date modifiedDate:date applicantName:text
        applicantIdType:255 applicantIdNo:255 applicantIdDate:date address:text cityCode:255 cityName:text districtCode:255 districtName:text
        wardCode:255 wardName:text contactName:text contactTelNo:255 contactEmail:255 mappingUserId:long activationCode:75 lock_:bool profile:text
        tmpPass:75 representativeEnterprise:text verification:int mappingClassName:255 mappingClassPK:255
    """,
}
_INDEXES: Final = {
    "opencps_dossier": (("dossierStatus", "modifiedDate"), ("groupId", "dossierNo"), ("groupId", "dossierId")),
    "opencps_dossieraction": (("dossierId",),),
    "opencps_dossierfile": (("dossierId",),),
    "opencps_paymentfile": (("dossierId",),),
    "opencps_processstep": (("serviceProcessId", "stepCode"),),
    "opencps_serviceinfo": (("serviceCode",),),
    "opencps_serviceinfomapping": (("serviceCode",),),
    "opencps_applicant": (("applicantIdNo",),),
}
_KEY: Final = BigInteger().with_variant(Integer(), "sqlite")
_TYPES: Final[dict[str, TypeEngine[Any]]] = {
    "key": _KEY,
    "long": BigInteger(),
    "int": Integer(),
    "date": DateTime().with_variant(DATETIME(fsp=6), "mysql", "mariadb"),
    "bool": Boolean(),
    "float": Double(),
    "text": Text().with_variant(LONGTEXT(), "mysql", "mariadb"),
}


class Tables(NamedTuple):
    """The tables, their columns keyed by the names of the real schema."""

    metadata: MetaData
    dossier: Table
    action: Table
    file: Table
    payment: Table
    status: Table
    step: Table
    service: Table
    service_mapping: Table
    applicant: Table


@cache
def tables(*, folded: bool = False) -> Tables:
    """The tables; with `folded` their columns are in lower case in the database, as PostgreSQL has them."""
    metadata = MetaData()
    return Tables(metadata, *(_table(metadata, name, folded=folded) for name in _COLUMNS))


def tables_in(engine: Engine) -> Tables:
    """The tables as that database spells them. Raises `sqlalchemy.exc.NoSuchTableError` where there are none."""
    names = {column["name"] for column in inspect(engine).get_columns("opencps_dossier")}
    return tables(folded="dossierid" in names)


def _table(metadata: MetaData, name: str, *, folded: bool) -> Table:
    columns = [_column(*given.split(":"), folded=folded) for given in _COLUMNS[name].split()]
    table = Table(name, metadata, *columns)
    for number, keys in enumerate(_INDEXES.get(name, ())):
        Index(f"ix_{name}_{number}", *(table.c[key] for key in keys))
    return table


def _column(name: str, kind: str, *, folded: bool) -> Column[Any]:
    type_ = _TYPES[kind] if kind in _TYPES else String(int(kind))
    return Column(name.lower() if folded else name, type_, key=name, primary_key=kind == "key", autoincrement=False)
