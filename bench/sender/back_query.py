"""The sender's rate where each push brings a back-query to the portal's web processes on the same machine."""

from statistics import median

import psycopg

from bench.sender.rates import PORTAL
from bench.sender.run import Bench, drain, far_side
from bench.served import web
from bench.system import judge, spread
from bench.world import WAYBILLS

SLOWEST_MS = 1000


def back_query(bench: Bench) -> None:
    """Measure rate and callback; one round each for a fresh copy, its web processes and its far side."""
    rates, reports = [], []
    for _ in range(bench.rounds):
        with bench.copy(bench.due) as database, web(bench.folder, database) as port, far_side(port) as far:
            drained, report = drain(PORTAL, database, far)
            rates.append(drained.rate)
            reports.append(report | {"audited": audited(database)})
    refused = sum(report["refused"] for report in reports)
    p99 = [report["p99"] for report in reports]
    missing = [WAYBILLS - report["audited"] for report in reports]
    print(
        f"\nsender-backquery: {WAYBILLS} due pushes, each with a back-query in safe mode; {bench.rounds} rounds:"
        f" {spread(rates, 0)} pushes/s, callback p50 {median(report['p50'] for report in reports):.0f} ms"
    )
    judge("callback p99, ms", spread(p99, 0), "<= 1000", median(p99) <= SLOWEST_MS)
    judge("932001, all rounds", f"{refused:.0f}", "0", refused == 0)
    judge("back-queries not audited", f"{sum(missing)}", "0", not any(missing))


def audited(database: str) -> int:
    with psycopg.connect(database) as connection:
        row = connection.execute(
            "SELECT count(DISTINCT waybill_no) FROM wechat_callback WHERE outcome = 'answered' AND result_code = 0"
        ).fetchone()
    return row[0]
