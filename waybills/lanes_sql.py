"""The statements of the queue, for PostgreSQL and SQLite.

On SQLite the same statements run inside BEGIN IMMEDIATE: one writer at a time needs no SKIP LOCKED. Lists arrive as
arrays on PostgreSQL and as JSON on SQLite; SQLite's rows are closed one by one inside its own process.
"""

from waybills import settlement
from waybills.action_types import MESSAGE_TYPES

_MESSAGES = ", ".join(str(int(code)) for code in sorted(MESSAGE_TYPES))

IDS = {True: "SELECT unnest(%(ids)b::bigint[])", False: "SELECT value FROM json_each(%(ids)s)"}

# On PostgreSQL a row that is there is locked whether or not the condition holds; only if it does, it is rewritten and
# returned. A lane that is due later is rewritten unchanged, for it to be returned.
_TAKE_IN = """
    ON CONFLICT (waybill_id) DO UPDATE
       SET wake_at = coalesce(waybills_lane.wake_at, excluded.wake_at),
           is_urgent = waybills_lane.is_urgent OR excluded.is_urgent
     WHERE NOT waybills_lane.leased
       AND ((waybills_lane.wake_at IS NULL AND excluded.wake_at IS NOT NULL) OR waybills_lane.wake_at > %(now)s
            OR (excluded.is_urgent AND NOT waybills_lane.is_urgent))
"""
LOCK = {
    True: f"""
        INSERT INTO waybills_lane (waybill_id, wake_at, leased, fence, is_urgent, sent_through)
        SELECT id, CASE WHEN is_due THEN %(now)s::timestamptz END, false, 0, is_urgent, 0
          FROM unnest(%(ids)b::bigint[], %(is_due)b::bool[], %(is_urgent)b::bool[]) AS given (id, is_due, is_urgent)
         ORDER BY id
        {_TAKE_IN}
        RETURNING waybill_id, wake_at
    """,  # noqa: S608 - constants
    False: f"""
        INSERT INTO waybills_lane (waybill_id, wake_at, leased, fence, is_urgent, sent_through)
        SELECT json_extract(value, '$[0]'), CASE WHEN json_extract(value, '$[1]') THEN %(now)s END, 0, 0,
               json_extract(value, '$[2]'), 0
          FROM json_each(%(lanes)s) WHERE true
        {_TAKE_IN}
    """,  # noqa: S608 - constants
}
"""On PostgreSQL it returns the lanes that it made, woke, made urgent, or found due later; never a leased one."""
ASLEEP_SQLITE = f"""
    SELECT waybill_id, wake_at FROM waybills_lane WHERE waybill_id IN ({IDS[False]}) AND wake_at > %(now)s
"""  # noqa: S608 - constants

# When a lane is due next: with its head, or when a message in it has waited long enough; and whether it holds one.
# On PostgreSQL by one look at the queue instead of five.
_DUE_POSTGRESQL = f"""
    CROSS JOIN LATERAL (
        SELECT least((array_agg(m.not_before ORDER BY m.action_time, m.id))[1],
                     min(m.not_before + %(order_wait)s) FILTER (WHERE m.action_type IN ({_MESSAGES}))) AS wake_at,
               coalesce(bool_or(m.action_type IN ({_MESSAGES})), false) AS is_urgent
          FROM waybills_push m WHERE m.waybill_id = given.id AND m.state = 'pending') AS due
"""  # noqa: S608 - constants
_HEAD_SQLITE = """(SELECT p.not_before FROM waybills_push p WHERE p.waybill_id = lane.waybill_id AND p.state = 'pending'
                    ORDER BY p.action_time, p.id LIMIT 1)"""
_PENDING_MESSAGES_SQLITE = f"""
    FROM waybills_push m WHERE m.waybill_id = lane.waybill_id AND m.state = 'pending' AND m.action_type IN ({_MESSAGES})
"""
# min() of SQLite is null if one of its arguments is: the head's own time stands in.
_DUE_SQLITE = f"""
    wake_at = min({_HEAD_SQLITE},
                  coalesce((SELECT min(strftime('%%Y-%%m-%%d %%H:%%M:%%f', m.not_before, %(order_wait)s))
                            {_PENDING_MESSAGES_SQLITE}), {_HEAD_SQLITE})),
    is_urgent = EXISTS (SELECT 1 {_PENDING_MESSAGES_SQLITE})
"""
_IS_POSTED = "EXISTS (SELECT 1 FROM waybills_waybill w WHERE w.id = lane.waybill_id AND w.posted_at IS NOT NULL)"

WAKE = {
    True: f"""
        UPDATE waybills_lane AS lane SET wake_at = due.wake_at, is_urgent = due.is_urgent
          FROM unnest(%(ids)b::bigint[]) AS given (id) {_DUE_POSTGRESQL}
         WHERE lane.waybill_id = given.id AND NOT lane.leased AND {_IS_POSTED}
           AND (lane.wake_at, lane.is_urgent) IS DISTINCT FROM (due.wake_at, due.is_urgent)
    """,  # noqa: S608 - constants
    False: f"""
        UPDATE waybills_lane AS lane SET {_DUE_SQLITE}
         WHERE lane.waybill_id IN ({IDS[False]}) AND NOT lane.leased AND {_IS_POSTED}
    """,  # noqa: S608 - constants
}
"""Wakes lanes; a leased one is woken when it is settled."""


CLAIM = """
    UPDATE waybills_lane AS lane SET wake_at = %(until)s, leased = true, fence = lane.fence + 1
      FROM (SELECT waybill_id, leased FROM waybills_lane
             WHERE is_urgent = %(is_urgent)s AND wake_at <= %(now)s
             ORDER BY wake_at, waybill_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED) AS due
     WHERE lane.waybill_id = due.waybill_id
    RETURNING lane.waybill_id, lane.fence, due.leased, lane.sent_through
"""
DUE_SQLITE = """
    SELECT waybill_id, fence + 1, leased, sent_through FROM waybills_lane
     WHERE is_urgent = %(is_urgent)s AND wake_at <= %(now)s ORDER BY wake_at, waybill_id LIMIT %(limit)s
"""
CLAIM_SQLITE = f"""
    UPDATE waybills_lane SET wake_at = %(until)s, leased = 1, fence = fence + 1 WHERE waybill_id IN ({IDS[False]})
"""  # noqa: S608 - constants

_HEAD_COLUMNS = """
    push.id, push.waybill_id, push.action_time, push.action_type, push.tries, push.refusals, push.by_hand,
    push.trigger, push.in_doubt_since, push.not_before, push.deadline_at,
    path.digest, path.sealed, waybill.no, waybill.create_time, waybill.sealed, waybill.receiver_phone_index,
    waybill.sender_province, waybill.sender_city, waybill.receiver_province, waybill.receiver_city,
    waybill.receiver_is_mobile
"""


def heads(postgresql: bool) -> str:
    """Return the statement that finds what to send of each lane: a message that has waited long enough, or the head."""
    return f"""
        SELECT {_HEAD_COLUMNS}, path.voided_at IS NOT NULL, own.sent_through,
               EXISTS (SELECT 1 FROM waybills_push e WHERE e.waybill_id = push.waybill_id AND e.state = 'pending'
                          AND (e.action_time, e.id) < (push.action_time, push.id))
          FROM waybills_push push
          JOIN waybills_lane own ON own.waybill_id = push.waybill_id
          JOIN waybills_path path ON path.id = push.path_id
          JOIN waybills_waybill waybill ON waybill.id = push.waybill_id
         WHERE push.id IN (
            SELECT coalesce(
                (SELECT m.id FROM waybills_push m
                  WHERE m.waybill_id = lane.waybill_id AND m.state = 'pending' AND m.action_type IN ({_MESSAGES})
                    AND m.not_before <= %(waited_since)s ORDER BY m.action_time, m.id LIMIT 1),
                (SELECT p.id FROM waybills_push p
                  WHERE p.waybill_id = lane.waybill_id AND p.state = 'pending'
                  ORDER BY p.action_time, p.id LIMIT 1))
              FROM ({IDS[postgresql]}) AS lane (waybill_id))
    """.replace(  # noqa: S608 - constants
        "AS lane (waybill_id)", "AS lane (waybill_id)" if postgresql else "AS lane"
    ).replace("SELECT value FROM", "SELECT value AS waybill_id FROM")


_LOST_MESSAGE = f"in_doubt_since IS NOT NULL AND action_type IN ({_MESSAGES})"
_OVERTAKEN = f"""
       SET state = CASE WHEN {_LOST_MESSAGE} THEN 'unknown' ELSE 'expired' END,
           reason = CASE WHEN {_LOST_MESSAGE} THEN 'answer_lost' ELSE 'overtaken' END,
           settled_at = %(now)s, settled_in = {{settled_in}}, not_before = NULL, in_doubt_since = NULL
"""
"""A message that is overtaken before it could be judged may have reached its user."""
OVERTAKE = f"""
    UPDATE waybills_push AS push {_OVERTAKEN.format(settled_in=settlement.NUMBER[True])}
      FROM unnest(%(waybill_id)b::bigint[], %(action_time)b::bigint[], %(push_id)b::bigint[])
        AS given (waybill_id, action_time, push_id)
     WHERE push.waybill_id = given.waybill_id AND push.state = 'pending'
       AND (push.action_time, push.id) < (given.action_time, given.push_id)
"""
OVERTAKE_SQLITE = f"""
    UPDATE waybills_push {_OVERTAKEN.format(settled_in=settlement.NUMBER[False])}
     WHERE waybill_id = %(waybill_id)s AND state = 'pending' AND (action_time, id) < (%(action_time)s, %(push_id)s)
"""


def coalesce(postgresql: bool) -> str:
    """Return the statement that ends the due pushes of these types that a newer due one of them makes superfluous."""
    codes = IDS[postgresql].replace("(ids)", "(codes)")
    return f"""
        UPDATE waybills_push AS push
           SET state = 'expired', reason = 'overtaken', settled_at = %(now)s,
               settled_in = {settlement.NUMBER[postgresql]}, not_before = NULL
         WHERE push.waybill_id IN ({IDS[postgresql]}) AND push.state = 'pending' AND push.action_type IN ({codes})
           AND push.not_before <= %(now)s AND push.in_doubt_since IS NULL
           AND EXISTS (SELECT 1 FROM waybills_push newer
                        WHERE newer.waybill_id = push.waybill_id AND newer.state = 'pending'
                          AND newer.action_type IN ({codes}) AND newer.not_before <= %(now)s
                          AND (newer.action_time, newer.id) > (push.action_time, push.id))
    """  # noqa: S608 - constants


_OPEN = """
    FROM waybills_pushattempt a JOIN waybills_push p ON p.id = a.push_id
    WHERE a.outcome = 'open' AND p.waybill_id IN ({ids})
"""
_LOST_PUSH = f"""
    UPDATE waybills_push SET reason = 'sender_lost', not_before = %(now)s
     WHERE state = 'pending' AND id IN (SELECT p.id {_OPEN})
"""  # noqa: S608 - constants
_LOST_NOTIFY = f"""
    UPDATE waybills_push SET reason = 'in_doubt', tries = tries + 1,
           in_doubt_since = (SELECT max(a.started_at) FROM waybills_pushattempt a
                              WHERE a.push_id = waybills_push.id AND a.outcome = 'open' AND a.call = 'pathnotify')
     WHERE state = 'pending' AND id IN (SELECT p.id {_OPEN} AND a.call = 'pathnotify')
"""  # noqa: S608 - constants
_LOST_REACHED = f"""
    UPDATE waybills_lane AS lane
       SET sent_through = {{greatest}}(lane.sent_through, coalesce(
           (SELECT max(p.action_time) {_OPEN} AND p.waybill_id = lane.waybill_id AND a.call = 'pathnotify'), 0))
     WHERE lane.waybill_id IN ({{ids}})
"""  # noqa: S608 - constants
_CLOSE_LOST = f"""
    UPDATE waybills_pushattempt
       SET outcome = CASE WHEN call = 'pathnotify' THEN 'unknown' ELSE 'failed' END, ended_at = %(now)s,
           errmsg = 'the sending process ended'
     WHERE outcome = 'open' AND push_id IN (SELECT p.id {_OPEN})
"""  # noqa: S608 - constants
RECOVER = {
    True: (_LOST_PUSH, _LOST_NOTIFY, _LOST_REACHED.replace("{greatest}", "greatest"), _CLOSE_LOST),
    False: (_LOST_PUSH, _LOST_NOTIFY, _LOST_REACHED.replace("{greatest}", "max"), _CLOSE_LOST),
}
"""In this order: the last one closes what the others look for."""

BEGIN_ATTEMPTS = """
    INSERT INTO waybills_pushattempt (id, push_id, call, fence, trigger, started_at, outcome, errmsg, sealed)
    SELECT id, push_id, call, fence, trigger, %(now)s, 'open', '', sealed
      FROM unnest(%(id)b::uuid[], %(push_id)b::bigint[], %(call)b::text[], %(fence)b::bigint[], %(trigger)b::text[],
                  %(sealed)b::bytea[]) AS given (id, push_id, call, fence, trigger, sealed)
"""
BEGIN_ATTEMPT_SQLITE = """
    INSERT INTO waybills_pushattempt (id, push_id, call, fence, trigger, started_at, outcome, errmsg, sealed)
    VALUES (%(id)s, %(push_id)s, %(call)s, %(fence)s, %(trigger)s, %(now)s, 'open', '', %(sealed)s)
"""

CLOSE_ATTEMPTS = """
    UPDATE waybills_pushattempt AS a
       SET ended_at = given.ended_at, outcome = given.outcome, errcode = given.errcode, errmsg = given.errmsg,
           exist = given.exist, sealed = given.sealed
      FROM unnest(%(id)b::uuid[], %(ended_at)b::timestamptz[], %(outcome)b::text[], %(errcode)b::bigint[],
                  %(errmsg)b::text[], %(exist)b::smallint[], %(sealed)b::bytea[])
        AS given (id, ended_at, outcome, errcode, errmsg, exist, sealed)
     WHERE a.id = given.id AND a.outcome = 'open'
"""
CLOSE_ATTEMPT_SQLITE = """
    UPDATE waybills_pushattempt
       SET ended_at = %(ended_at)s, outcome = %(outcome)s, errcode = %(errcode)s, errmsg = %(errmsg)s,
           exist = %(exist)s, sealed = %(sealed)s
     WHERE id = %(id)s AND outcome = 'open'
"""

LOCK_FENCED = """
    SELECT lane.waybill_id FROM waybills_lane lane
      JOIN unnest(%(ids)b::bigint[], %(fences)b::bigint[]) AS given (waybill_id, fence)
        ON lane.waybill_id = given.waybill_id AND lane.fence = given.fence
     WHERE lane.leased ORDER BY lane.waybill_id FOR UPDATE OF lane
"""
FENCED_SQLITE = f"SELECT waybill_id, fence FROM waybills_lane WHERE leased AND waybill_id IN ({IDS[False]})"  # noqa: S608

MOVE_PUSHES = """
    UPDATE waybills_push AS push
       SET state = given.state, reason = given.reason, not_before = given.not_before, settled_at = given.settled_at,
           tries = given.tries, refusals = given.refusals, in_doubt_since = given.in_doubt_since,
           settled_in = CASE WHEN given.settled_at IS NOT NULL THEN {NUMBER} END
      FROM unnest(%(id)b::bigint[], %(state)b::text[], %(reason)b::text[], %(not_before)b::timestamptz[],
                  %(settled_at)b::timestamptz[], %(tries)b::int[], %(refusals)b::int[],
                  %(in_doubt_since)b::timestamptz[])
        AS given (id, state, reason, not_before, settled_at, tries, refusals, in_doubt_since)
     WHERE push.id = given.id AND push.state = 'pending'
""".replace("{NUMBER}", settlement.NUMBER[True])
MOVE_PUSH_SQLITE = """
    UPDATE waybills_push
       SET state = %(state)s, reason = %(reason)s, not_before = %(not_before)s, settled_at = %(settled_at)s,
           tries = %(tries)s, refusals = %(refusals)s, in_doubt_since = %(in_doubt_since)s,
           settled_in = CASE WHEN %(settled_at)s IS NOT NULL THEN {NUMBER} END
     WHERE id = %(id)s AND state = 'pending'
""".replace("{NUMBER}", settlement.NUMBER[False])


RELEASE = {
    True: f"""
        UPDATE waybills_lane AS lane
           SET leased = false, sent_through = greatest(lane.sent_through, given.sent_through),
               wake_at = due.wake_at, is_urgent = due.is_urgent
          FROM unnest(%(ids)b::bigint[], %(sent_through)b::bigint[]) AS given (id, sent_through) {_DUE_POSTGRESQL}
         WHERE lane.waybill_id = given.id
    """,  # noqa: S608 - constants
    False: f"""
        UPDATE waybills_lane AS lane
           SET leased = 0, sent_through = max(lane.sent_through, %(sent_through)s), {_DUE_SQLITE}
         WHERE lane.waybill_id = %(id)s
    """,  # noqa: S608 - constants
}
"""Ends leases and says when each lane is due next; on SQLite one lane a statement."""


PAST_DEADLINE = {
    True: """
        SELECT lane.waybill_id FROM waybills_lane lane
         WHERE lane.waybill_id IN (SELECT p.waybill_id FROM waybills_push p
                                    WHERE p.state = 'pending' AND p.deadline_at <= %(now)s
                                    ORDER BY p.deadline_at LIMIT %(limit)s)
           AND (NOT lane.leased OR lane.wake_at <= %(now)s)
         ORDER BY lane.waybill_id FOR UPDATE OF lane SKIP LOCKED
    """,
    False: """
        SELECT lane.waybill_id FROM waybills_lane lane
         WHERE lane.waybill_id IN (SELECT p.waybill_id FROM waybills_push p
                                    WHERE p.state = 'pending' AND p.deadline_at <= %(now)s
                                    ORDER BY p.deadline_at LIMIT %(limit)s)
           AND (NOT lane.leased OR lane.wake_at <= %(now)s)
    """,
}


def expire(postgresql: bool) -> str:
    """Return the statement that ends what is past its deadline.

    A push in doubt is judged first; where that does not happen (the line is stopped), a message stays unknown.
    """
    return f"""
        UPDATE waybills_push
           SET state = CASE WHEN {_LOST_MESSAGE} THEN 'unknown' ELSE 'expired' END,
               reason = CASE WHEN {_LOST_MESSAGE} THEN 'answer_lost' ELSE 'past_deadline' END,
               settled_at = %(now)s, settled_in = {settlement.NUMBER[postgresql]}, not_before = NULL,
               in_doubt_since = NULL
         WHERE state = 'pending' AND deadline_at <= %(now)s AND waybill_id IN ({IDS[postgresql]})
           AND (in_doubt_since IS NULL OR not_before <= %(judged_before)s)
    """  # noqa: S608 - constants


SLEEPERS = """
    SELECT DISTINCT p.waybill_id FROM waybills_push p
      JOIN waybills_waybill w ON w.id = p.waybill_id AND w.posted_at IS NOT NULL
      LEFT JOIN waybills_lane lane ON lane.waybill_id = p.waybill_id
     WHERE p.state = 'pending' AND lane.wake_at IS NULL
     LIMIT %(limit)s
"""
