"""What a settle has done already whose answer was lost: the database committed, then the connection broke.

Settled again, each next call would begin a second time, and the first one's attempt would stay open for ever. Asked
only before a repeat: a settle that is answered pays nothing for it.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

from waybills.documents import unseal_attempt
from waybills.lanes import Attempt
from waybills.models import Call, Outcome, PushAttempt


def settled_before(attempts: Sequence[Attempt]) -> tuple[Collection[UUID], list[Attempt]]:
    """Return the ids of those that are closed already, and the calls that were begun in their stead and never made."""
    closed = set(
        PushAttempt.objects.filter(pk__in=[attempt.id for attempt in attempts])
        .exclude(outcome=Outcome.OPEN)
        .values_list("pk", flat=True)
    )
    heads = {(one.head.push_id, one.head.fence): one.head for one in attempts if one.id in closed}
    rows = PushAttempt.objects.open().filter(push__in=[push_id for push_id, _ in heads]).exclude(sealed=None)
    begun = [
        Attempt(row.pk, head, Call(row.call), unseal_attempt(row.pk, bytes(row.sealed or b"")).request, row.started_at)
        for row in rows
        # Of another fence: another process has claimed the lane since.
        if (head := heads.get((row.push_id, row.fence))) is not None
    ]
    return closed, begun
