"""One waybill's timeline: each path with its push, the calls, WeChat's back-queries and the result; and the acts.

Six reads, however long the trail is: paths with their pushes, attempts, callbacks, acts, the lane, and what WeChat last
said of the receiver's phone.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from waybills.admin.labels import show_trigger
from waybills.admin.masking import mask_errmsg
from waybills.documents import PathDocument, unseal_path
from waybills.models import Act, Binding, Call, Lane, Outcome, Path, Push, PushAttempt, PushReason, PushState, Waybill
from waybills.sealing import SealBroken
from wechat.error_codes import Explanation, explain
from wechat.models import Callback, CallbackOutcome

logger = logging.getLogger(__name__)

MOST_ROWS = 300
"""Of attempts, callbacks and acts each: the newest; a page is read by a person."""

_REPEATS_FOR = timedelta(seconds=20)
"""WeChat repeats a back-query for 15 s after its pathnotify (message-push.md): so long it belongs to that call."""


class Kind(StrEnum):
    """What a step is; the page has a sign for each."""

    ARRIVED = "arrived"
    USERQUERY = "userquery"
    PATHNOTIFY = "pathnotify"
    CALLBACK = "callback"
    RESULT = "result"
    ACT = "act"


class Tone(StrEnum):
    """How it went; the page has a colour for each."""

    GOOD = "good"
    BAD = "bad"
    DOUBT = "doubt"
    BUSY = "busy"
    QUIET = "quiet"


Text = str | Promise


@dataclass(frozen=True, slots=True)
class Step:
    """One moment of the timeline."""

    at: datetime
    kind: Kind
    tone: Tone
    title: Text
    detail: Text = ""
    facts: tuple[Text, ...] = ()
    """Short technical facts: code, WeChat's words, duration, address."""
    explanation: Explanation | None = None
    row: UUID | None = None
    """The attempt or callback, for its own page."""


@dataclass(frozen=True, slots=True)
class Node:
    """One path with all that was done about it, oldest step first."""

    path: Path
    push: Push | None
    document: PathDocument | None
    """None: it does not open."""
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """Nodes newest first, and the steps that belong to no single node, newest first."""

    nodes: tuple[Node, ...]
    others: tuple[Step, ...]
    binding: Binding | None
    lane: Lane | None
    is_cut: bool
    """Whether older attempts, callbacks or acts were left out."""

    @property
    def is_readable(self) -> bool:
        """Return whether every path opened."""
        return all(node.document is not None for node in self.nodes)

    @property
    def is_waiting(self) -> bool:
        """Return whether a push has not come to its end."""
        return any(node.push is not None and node.push.state == PushState.PENDING for node in self.nodes)


def read_timeline(waybill: Waybill) -> Timeline:
    """Return the whole timeline of a waybill. A path that does not open is in it without its document."""
    paths = list(waybill.paths.select_related("push").order_by("-action_time", "-pk"))
    pushes = [push for path in paths if (push := _push_of(path))]
    attempts = _attempts(pushes)
    callbacks = _callbacks(waybill)
    acts = list(Act.objects.filter(waybill_no=waybill.no).select_related("actor")[:MOST_ROWS])
    steps = _steps_by_push(pushes, attempts, callbacks, acts)
    others = steps.pop(None, [])
    return Timeline(
        nodes=tuple(_node(path, steps) for path in paths),
        others=tuple(sorted(others, key=lambda step: step.at, reverse=True)),
        binding=_binding(waybill),
        lane=Lane.objects.filter(pk=waybill.pk).first(),
        is_cut=MOST_ROWS in {len(attempts), len(callbacks), len(acts)},
    )


def _push_of(path: Path) -> Push | None:
    return getattr(path, "push", None)


def _attempts(pushes: Sequence[Push]) -> list[PushAttempt]:
    of_pushes = PushAttempt.objects.filter(push_id__in=[push.pk for push in pushes])
    return list(of_pushes.defer("sealed").order_by("-started_at", "-pk")[:MOST_ROWS])


def _callbacks(waybill: Waybill) -> list[Callback]:
    return list(Callback.objects.filter(waybill_no=waybill.no).defer("sealed")[:MOST_ROWS])


def _binding(waybill: Waybill) -> Binding | None:
    if waybill.receiver_phone_index is None:
        return None
    return Binding.objects.filter(phone_index=waybill.receiver_phone_index).first()


def _node(path: Path, steps: Mapping[int | None, Sequence[Step]]) -> Node:
    push = _push_of(path)
    moments = [_arrival(path), *([] if push is None else [*steps.get(push.pk, ()), *_results(push)])]
    if path.voided_at is not None:
        moments.append(Step(path.voided_at, Kind.RESULT, Tone.QUIET, _("Voided: out of the trail")))
    return Node(path, push, _document(path), tuple(sorted(moments, key=lambda step: step.at)))


def _document(path: Path) -> PathDocument | None:
    try:
        return unseal_path(bytes(path.digest), bytes(path.sealed))
    except SealBroken:
        logger.exception("The document of path %s does not open", path.pk)
        return None


def _steps_by_push(
    pushes: Iterable[Push],
    attempts: Iterable[PushAttempt],
    callbacks: Iterable[Callback],
    acts: Iterable[Act],
) -> dict[int | None, list[Step]]:
    """Return the steps by the push they belong to; under None those of the waybill as a whole."""
    steps: dict[int | None, list[Step]] = defaultdict(list)
    calls = list(attempts)
    explained: set[tuple[int, int | None]] = set()
    for attempt in calls:
        # Newest first: of the same code several times in a row, only the last is explained.
        is_new = (attempt.push_id, attempt.errcode) not in explained
        explained.add((attempt.push_id, attempt.errcode))
        steps[attempt.push_id].append(_call(attempt, explained=is_new))
    notifications = [attempt for attempt in calls if attempt.call == Call.PATHNOTIFY]
    for callback in callbacks:
        steps[_cause(callback, notifications)].append(_back_query(callback))
    known = {push_target(push): push.pk for push in pushes}
    for act in acts:
        steps[known.get(act.target)].append(_act(act))
    return steps


def _cause(callback: Callback, notifications: Iterable[PushAttempt]) -> int | None:
    """Return the push whose pathnotify made WeChat ask back; notifications are newest first."""
    for attempt in notifications:
        if attempt.started_at <= callback.received_at:
            is_near = attempt.ended_at is None or callback.received_at <= attempt.ended_at + _REPEATS_FOR
            return attempt.push_id if is_near else None
    return None


def _arrival(path: Path) -> Step:
    return Step(path.created_at, Kind.ARRIVED, Tone.QUIET, _("Event arrived"))


_CALL_TITLES: Mapping[str, Text] = {
    Call.USERQUERY: _("Asked WeChat whether the phone is bound"),
    Call.PATHNOTIFY: _("Pushed to WeChat"),
}
_CALL_TONES: Mapping[str, Tone] = {
    Outcome.OPEN: Tone.BUSY,
    Outcome.OK: Tone.GOOD,
    Outcome.REFUSED: Tone.BAD,
    Outcome.FAILED: Tone.BAD,
    Outcome.UNKNOWN: Tone.DOUBT,
}


def _call(attempt: PushAttempt, *, explained: bool) -> Step:
    tone = _CALL_TONES.get(attempt.outcome, Tone.DOUBT)
    if tone == Tone.GOOD and attempt.exist == 0:
        tone = Tone.QUIET
    return Step(
        attempt.started_at,
        Kind(attempt.call),
        tone,
        _CALL_TITLES[attempt.call],
        _call_detail(attempt),
        tuple(_call_facts(attempt)),
        explain(attempt.errcode or None) if explained else None,
        attempt.pk,
    )


_BOUND: Mapping[bool, Text] = {True: _("bound"), False: _("not bound")}
_ACCEPTED: Mapping[bool, Text] = {True: _("accepted"), False: _("accepted, but the phone is not bound")}


def _call_detail(attempt: PushAttempt) -> Text:
    if attempt.outcome == Outcome.OK and attempt.exist is not None:
        return (_ACCEPTED if attempt.call == Call.PATHNOTIFY else _BOUND)[bool(attempt.exist)]
    return attempt.get_outcome_display()


def _call_facts(attempt: PushAttempt) -> Iterable[Text]:
    yield attempt.call
    if attempt.errcode is not None:
        yield f"errcode {attempt.errcode}"
    if attempt.errmsg:
        yield mask_errmsg(attempt.errmsg)
    if attempt.duration_ms is not None:
        yield f"{attempt.duration_ms} ms"
    if attempt.trigger != "event":
        yield show_trigger(attempt.trigger)


RESULT_CODES: Mapping[int, Text] = {
    0: _("answered with the whole trail"),
    1001: _("answered: no such waybill"),
    1002: _("answered: the receiver's phone does not match"),
    1003: _("answered: the query is malformed"),
}


def _back_query(callback: Callback) -> Step:
    return Step(
        callback.received_at,
        Kind.CALLBACK,
        _callback_tone(callback),
        _("WeChat asked back"),
        _callback_detail(callback),
        tuple(_callback_facts(callback)),
        row=callback.pk,
    )


def _callback_tone(callback: Callback) -> Tone:
    if callback.outcome == CallbackOutcome.FAULT:
        return Tone.BAD
    return Tone.GOOD if callback.result_code in {0, None} else Tone.BAD


def _callback_detail(callback: Callback) -> Text:
    if callback.outcome != CallbackOutcome.ANSWERED or callback.result_code is None:
        return callback.get_outcome_display()
    return RESULT_CODES.get(callback.result_code, str(callback.result_code))


def _callback_facts(callback: Callback) -> Iterable[Text]:
    if callback.result_code is not None:
        yield f"ResultCode {callback.result_code}"
    yield f"{callback.duration_us / 1000:.1f} ms"
    if callback.source:
        yield callback.source
    if callback.sender_differs:
        yield _("the sender's phone differs (recorded only)")


_STATE_TONES: Mapping[str, Tone] = {
    PushState.PENDING: Tone.BUSY,
    PushState.SENT: Tone.GOOD,
    PushState.FAILED: Tone.BAD,
    PushState.UNKNOWN: Tone.DOUBT,
    PushState.EXPIRED: Tone.DOUBT,
}


def _results(push: Push) -> Iterable[Step]:
    """Return the result of a settled push; a pending one has none yet."""
    if push.settled_at is None:
        return
    tone = _STATE_TONES.get(push.state, Tone.QUIET)
    yield Step(push.settled_at, Kind.RESULT, tone, push.get_state_display(), reason_of(push))


def reason_of(push: Push) -> Text:
    """Return the sentence that says why a push stands where it stands; of an unknown reason its code."""
    return PushReason(push.reason).label if push.reason in PushReason.values else push.reason


def push_target(push: Push) -> str:
    """Return how an act names a push."""
    return f"push {push.pk}"


def _act(act: Act) -> Step:
    facts = (act.reason,) if act.reason else ()
    return Step(act.at, Kind.ACT, Tone.QUIET, act.get_verb_display(), act.actor.get_username(), facts)
