"""What a package says, as text: dates and numbers stay as they are written. Empty is what is not said.

Where the limits on lengths come from: the intended limits of a validator in use on the national axis. That validator also is
why every element of `Document` that has no default must be there.
"""

from __future__ import annotations

from syncd.documents import Attachment
from syncd.model import Value

NAMESPACE = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
NEW, RECALL, UPDATE, REPLACE = "0", "1", "2", "3"  #: of `Business.kind`


class Organ(Value):
    """An agency, with all that a package tells of one."""

    id: str  #: agency code
    in_charge: str = ""  #: name of the agency above it
    name: str = ""
    address: str = ""
    email: str = ""
    telephone: str = ""
    fax: str = ""
    website: str = ""


class Trace(Value):
    """A hop on the way of the package."""

    organ: str
    at: str  #: yyyy/MM/dd HH:mm:ss, local


class Business(Value):
    """What the package is for."""

    kind: str = NEW
    document: str = ""  #: document acted on; here the dossier's code
    reason: str = ""
    department: str = ""
    staff: str = ""


class Document(Value):
    """A document with its files. A draft has neither number nor date nor, perhaps, a signer."""

    sender: Organ
    receivers: tuple[Organ, ...]
    id: str
    type: str
    type_name: str
    subject: str
    number: str = ""
    notation: str = ""
    place: str = ""
    issued: str = ""  #: PromulgationDate
    competence: str = ""  #: on whose behalf is signed: "TL. …", "KT. …"
    position: str = ""
    signer: str = ""
    due: str = ""
    priority: str = "0"
    sphere: str = ""
    typist: str = ""
    copies: str = ""
    pages: str = ""
    references: tuple[str, ...] = ()  #: ReferenceCodes: the dossier's code
    places: tuple[str, ...] = ()  #: ToPlaces
    traces: tuple[Trace, ...] = ()
    business: Business = Business()
    files: tuple[Attachment, ...] = ()


class StatusPackage(Value):
    """Word of what became of a document."""

    sender: Organ
    code: str  #: StatusCode
    answered: str = ""  #: ResponseFor/Code: number and notation of the document, or the dossier's code
    document: str = ""  #: ResponseFor/DocumentId
    staff: str = ""
    description: str = ""
    at: str = ""


Package = Document | StatusPackage
