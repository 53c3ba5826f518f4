"""The sender's rate and processor time beside the floor and the usual peer; a second process beside the first."""

from statistics import median

from bench.sender.run import LATENCY_MS, Bench, Drained, drain, far_side
from bench.sender.usual import CONCURRENCY, usual_rate
from bench.system import judge, spread
from bench.world import WAYBILLS

PORTAL, FLOOR = "bench.sender.portal", "bench.sender.floor"


def sender(bench: Bench) -> None:
    """Measure one process of the portal, of the floor, and the usual worker, in turn."""
    runs: dict[str, list[Drained]] = {"portal": [], "floor": []}
    usual: dict[str, list[tuple[float, float]]] = {"usual": [], "tuned": []} if bench.broker else {}
    with far_side() as far:
        for _ in range(bench.rounds):
            for name, module in (("portal", PORTAL), ("floor", FLOOR)):
                with bench.copy(bench.due) as database:
                    runs[name].append(drain(module, database, far)[0])
            for name, results in usual.items():
                with bench.copy(bench.due) as database:
                    results.append(usual_rate(bench, database, far, is_tuned=name == "tuned"))
    rates = {name: [run.rate for run in of] for name, of in runs.items()}
    rates |= {name: [rate for rate, _ in of] for name, of in usual.items()}
    cpus = {name: [run.cpu_of_one * 1e6 for run in of] for name, of in runs.items()}
    cpus |= {name: [cpu * 1e6 for _, cpu in of] for name, of in usual.items()}
    _print_table(bench, rates, cpus)


def _print_table(bench: Bench, rates: dict[str, list[float]], cpus: dict[str, list[float]]) -> None:
    print(
        f"\nsender: {WAYBILLS} due pushes, bindings known, {LATENCY_MS} ms away, PostgreSQL; {bench.rounds} rounds in"
        f" turn, median (least-most)\n{'peer':8} {'pushes/s':>20} {'cpu µs a push':>20}"
    )
    for name in rates:
        print(f"{name:8} {spread(rates[name], 0):>20} {spread(cpus[name], 0):>20}")
    of_floor = ratios(rates["portal"], rates["floor"])
    work = ratios(cpus["portal"], cpus["floor"])
    judge("portal to floor, rate", spread(of_floor, 2), ">= 0.7", median(of_floor) >= 0.7)
    judge("portal to floor, cpu a push", spread(work, 2), "<= 2", median(work) <= 2)
    if bench.broker:
        of_usual = ratios(rates["portal"], rates["usual"])
        of_tuned = ratios(rates["portal"], rates["tuned"])
        judge("portal to usual, rate", spread(of_usual, 1), ">= 8", median(of_usual) >= 8)
        print(f"{'portal to tuned, rate':34} {spread(of_tuned, 1):>26}")
        print(f"usual: one Celery task a push, {CONCURRENCY} prefork processes; tuned: with connections kept")


def two(bench: Bench) -> None:
    """Measure one process and two on the same machine, in turn."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    with far_side() as far:
        for _ in range(bench.rounds):
            for processes, results in rates.items():
                with bench.copy(bench.due) as database:
                    results.append(drain(PORTAL, database, far, processes)[0].rate)
    total = ratios(rates[2], rates[1])
    print(f"\nsender-two: one process {spread(rates[1], 0)} pushes/s, two {spread(rates[2], 0)}")
    judge("two processes to one, rate", spread(total, 2), ">= 1", median(total) >= 1)


def ratios(these: list[float], those: list[float]) -> list[float]:
    return [one / other for one, other in zip(these, those, strict=True)]
