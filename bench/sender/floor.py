"""The floor: psycopg, aiohttp and orjson; the same rows by the same durable steps, and nothing else.

It claims lanes, writes an attempt for each call, commits, calls, and records push, attempt and lane in bulk. Sealed
documents are made beforehand. It leaves out all that the portal does besides: bindings, opening and sealing documents,
deadlines, order, doubt, retries, faults of the far side, the line, the token's renewal, the budget, a stop.
"""

import asyncio
import os
from uuid import UUID

import aiohttp
import orjson
import psycopg

from bench.sender.measured import drained

BATCH, CONCURRENCY, GATHER = 200, 400, 0.01
URL = f"{os.environ['WECHAT_API_BASE']}/cgi-bin/express/delivery/pathnotify"
SEALED = os.urandom(620)
"""As long as an attempt's document."""
CONTACT = {"name": "张三", "phone": "13900000000", "province": "浙江省", "city": "绍兴市", "area": "柯桥区"}
LEASE = """
    UPDATE waybills_lane AS lane SET wake_at = now() + interval '120 s', leased = true, fence = lane.fence + 1
      FROM (SELECT waybill_id FROM waybills_lane WHERE is_urgent AND wake_at <= now()
             ORDER BY wake_at, waybill_id LIMIT %s FOR UPDATE SKIP LOCKED) AS due
     WHERE lane.waybill_id = due.waybill_id RETURNING lane.waybill_id, lane.fence
"""
HEADS = """
    SELECT push.id, push.waybill_id, given.fence, push.action_time, push.action_type, waybill.no, waybill.create_time,
           path.sealed, waybill.sealed
      FROM unnest(%b::bigint[], %b::bigint[]) AS given (waybill_id, fence)
     CROSS JOIN LATERAL (SELECT * FROM waybills_push p WHERE p.waybill_id = given.waybill_id AND p.state = 'pending'
                          ORDER BY p.action_time, p.id LIMIT 1) AS push
      JOIN waybills_path path ON path.id = push.path_id
      JOIN waybills_waybill waybill ON waybill.id = push.waybill_id
"""
BEGIN = """
    INSERT INTO waybills_pushattempt (id, push_id, call, fence, trigger, started_at, outcome, errmsg, sealed)
    SELECT id, push_id, 'pathnotify', fence, 'event', now(), 'open', '', sealed
      FROM unnest(%b::uuid[], %b::bigint[], %b::bigint[], %b::bytea[]) AS given (id, push_id, fence, sealed)
"""
HOLD = """
    SELECT lane.waybill_id FROM waybills_lane lane
      JOIN unnest(%b::bigint[], %b::bigint[]) AS given (waybill_id, fence) USING (waybill_id, fence)
     ORDER BY lane.waybill_id FOR UPDATE OF lane
"""
CLOSE = """
    UPDATE waybills_pushattempt AS a
       SET ended_at = now(), outcome = 'ok', errcode = given.errcode, exist = given.exist, sealed = given.sealed
      FROM unnest(%b::uuid[], %b::bigint[], %b::bigint[], %b::bytea[]) AS given (id, errcode, exist, sealed)
     WHERE a.id = given.id
"""
MOVE = """
    UPDATE waybills_push SET state = 'sent', settled_at = now(), not_before = NULL
     WHERE id = ANY(%b::bigint[]) AND state = 'pending'
"""
RELEASE = """
    UPDATE waybills_lane AS lane
       SET leased = false, sent_through = greatest(lane.sent_through, given.sent_through),
           wake_at = (SELECT p.not_before FROM waybills_push p WHERE p.waybill_id = lane.waybill_id
                         AND p.state = 'pending' ORDER BY p.action_time, p.id LIMIT 1)
      FROM unnest(%b::bigint[], %b::bigint[]) AS given (waybill_id, sent_through)
     WHERE lane.waybill_id = given.waybill_id
"""


class Floor:
    def __init__(self, connection: psycopg.AsyncConnection, session: aiohttp.ClientSession) -> None:
        self.connection, self.session = connection, session
        self.ended: list[tuple] = []
        self.in_flight = 0
        self.database = asyncio.Lock()
        self.calls: set[asyncio.Task] = set()

    async def drain(self) -> None:
        recorder = asyncio.create_task(self.record_for_ever())
        while True:
            room = min(BATCH, CONCURRENCY - self.in_flight)
            if room < BATCH / 4:
                await asyncio.sleep(GATHER / 2)
                continue
            attempts = await self.claim(room)
            for attempt in attempts:
                self.calls.add(task := asyncio.create_task(self.call(attempt)))
                task.add_done_callback(self.calls.discard)
            if not attempts:
                break
        while self.in_flight:
            await asyncio.sleep(GATHER)
        recorder.cancel()

    async def claim(self, room: int) -> list[tuple]:
        async with self.database, self.connection.transaction(), self.connection.cursor(binary=True) as cursor:
            leases = await (await cursor.execute(LEASE, (room,))).fetchall()
            if not leases:
                return []
            heads = await (await cursor.execute(HEADS, columns(leases))).fetchall()
            attempts = [(UUID(bytes=os.urandom(16)), *head) for head in heads]
            ids, pushes, _, fences, *_ = columns(attempts)
            await cursor.execute(BEGIN, (ids, pushes, fences, [SEALED] * len(ids)))
        self.in_flight += len(attempts)
        return attempts

    async def call(self, attempt: tuple) -> None:
        _, _, _, _, action_time, action_type, no, create_time, *_ = attempt
        body = orjson.dumps(
            {
                "sender": CONTACT,
                "receiver": CONTACT,
                "waybill_id": no,
                "path": {"action_time": action_time, "action_type": action_type, "action_msg": "正在派件"},
                "create_time": create_time,
            }
        )
        async with self.session.post(URL, params={"access_token": "bench-token"}, data=body) as response:
            answer = orjson.loads(await response.read())
        self.ended.append((attempt, answer["errcode"], answer["exist"]))

    async def record_for_ever(self) -> None:
        while True:
            await asyncio.sleep(GATHER)
            if self.ended:
                batch, self.ended = self.ended, []
                await self.record(batch)
                self.in_flight -= len(batch)

    async def record(self, batch: list[tuple]) -> None:
        attempts, errcodes, exists = columns(batch)
        ids, pushes, waybills, fences, action_times, *_ = columns(attempts)
        async with (
            self.database,
            self.connection.pipeline(),
            self.connection.transaction(),
            self.connection.cursor(binary=True) as cursor,
        ):
            await cursor.execute(HOLD, (waybills, fences))
            await cursor.execute(CLOSE, (ids, errcodes, exists, [SEALED] * len(ids)))
            await cursor.execute(MOVE, (pushes,))
            await cursor.execute(RELEASE, (waybills, action_times))


def columns(rows: list[tuple]) -> list[list]:
    return [list(column) for column in zip(*rows, strict=True)]


async def main() -> None:
    connector = aiohttp.TCPConnector(limit=CONCURRENCY)
    timeout = aiohttp.ClientTimeout(total=25)
    headers = {"Content-Type": "application/json"}
    async with (
        await psycopg.AsyncConnection.connect(os.environ["DATABASE_URL"], autocommit=True) as connection,
        aiohttp.ClientSession(
            connector=connector, timeout=timeout, headers=headers, cookie_jar=aiohttp.DummyCookieJar()
        ) as session,
    ):
        await Floor(connection, session).drain()


if __name__ == "__main__":
    drained(lambda: asyncio.run(main()))
