"""The values of the domain, and the sealed documents that hold what is personal in them.

None of them has a repr: it would carry personal data into tracebacks and logs.
"""

from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any
from uuid import UUID

from waybills.sealing import Sealer, seal, unseal

_VERSION = 1


@dataclass(frozen=True, slots=True, repr=False)
class Contact:
    """A sender or receiver; what is not known is the empty text."""

    name: str = ""
    phone: str = ""
    province: str = ""
    city: str = ""
    area: str = ""
    street: str = ""
    address: str = ""
    id: str = ""


@dataclass(slots=True, repr=False)
class PathDocument:
    """What is personal in a path: its text carries phone numbers by specification.

    Frozen in use, not in type, as `waybills.ingest_sql.PathRow`.
    """

    action_msg: str
    pickup_courier_name: str = ""
    pickup_courier_phone: str = ""
    delivery_courier_name: str = ""
    delivery_courier_phone: str = ""


# dataclasses.astuple copies deeply: it took half of an ingest's time.
contact_fields = attrgetter(*(field.name for field in fields(Contact)))
path_fields = attrgetter(*(field.name for field in fields(PathDocument)))


@dataclass(frozen=True, slots=True, repr=False)
class AttemptDocument:
    """What was sent to WeChat and what was seen of the answer, both as text and without the token."""

    request: str
    answer: str = ""


def seal_waybill(no: str, sender: Contact, receiver: Contact, sealer: Sealer) -> bytes:
    """Return the sealed contacts of a waybill, without what has plain columns (province and city)."""
    return sealer.seal("waybill.sealed", no.encode(), (_VERSION, _without_region(sender), _without_region(receiver)))


def unseal_waybill(
    no: str, blob: bytes, sender_region: tuple[str, str], receiver_region: tuple[str, str]
) -> tuple[Contact, Contact]:
    """Return (sender, receiver) of a waybill; a region is its plain (province, city)."""
    _, sender, receiver = unseal("waybill.sealed", no.encode(), blob)
    return _with_region(sender, sender_region), _with_region(receiver, receiver_region)


def _without_region(contact: Contact) -> tuple[str, ...]:
    return contact.name, contact.phone, contact.area, contact.street, contact.address, contact.id


def _with_region(fields: list[str], region: tuple[str, str]) -> Contact:
    name, phone, area, street, address, id_ = fields
    return Contact(name, phone, *region, area, street, address, id_)


def seal_path(digest: bytes, document: PathDocument, sealer: Sealer | None = None) -> bytes:
    """Return the sealed document of the path that has this digest; sealer: of its batch."""
    return (sealer or Sealer()).seal("path.sealed", digest, (_VERSION, *path_fields(document)))


def unseal_path(digest: bytes, blob: bytes) -> PathDocument:
    """Return the document of the path that has this digest."""
    _, *fields = unseal("path.sealed", bytes(digest), blob)
    return PathDocument(*fields)


def seal_attempt(attempt_id: UUID, document: AttemptDocument) -> bytes:
    """Return the sealed document of an attempt."""
    return seal("push_attempt.sealed", attempt_id.bytes, (_VERSION, document.request, document.answer))


def unseal_attempt(attempt_id: UUID, blob: bytes) -> AttemptDocument:
    """Return the document of an attempt."""
    _, request, answer = unseal("push_attempt.sealed", attempt_id.bytes, blob)
    return AttemptDocument(request, answer)


@dataclass(frozen=True, slots=True, repr=False)
class ImportPlan:
    """The headers of a file, and the field that each of them means or the empty text. A header may be a row of data."""

    header: tuple[str, ...]
    mapping: tuple[str, ...]


def seal_plan(job_id: UUID, plan: ImportPlan) -> bytes:
    """Return the sealed plan of an import."""
    return seal("import_job.plan", job_id.bytes, (_VERSION, plan.header, plan.mapping))


def unseal_plan(job_id: UUID, blob: bytes) -> ImportPlan:
    """Return the plan of an import."""
    _, header, mapping = unseal("import_job.plan", job_id.bytes, blob)
    return ImportPlan(tuple(header), tuple(mapping))


def seal_chunk(job_id: UUID, kind: str, number: int, content: Any) -> bytes:
    """Return a sealed piece of an import: JSON values, as `waybills.files` makes them."""
    return seal("import_chunk.sealed", _chunk_key(job_id, kind, number), (_VERSION, content))


def unseal_chunk(job_id: UUID, kind: str, number: int, blob: bytes) -> Any:
    """Return the content of a piece."""
    _, content = unseal("import_chunk.sealed", _chunk_key(job_id, kind, number), blob)
    return content


def _chunk_key(job_id: UUID, kind: str, number: int) -> bytes:
    return job_id.bytes + f"/{kind}/{number}".encode()
