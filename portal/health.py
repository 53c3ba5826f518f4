"""Probes: whether the process lives, and whether it can do its work."""

from django.http import HttpRequest, HttpResponse, JsonResponse

from waybills.readiness import PROBES, Readiness


def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200: the process is alive."""
    return HttpResponse("ok", "text/plain; charset=utf-8")


def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 where database, migrations and keys are in order, else 503; the body says which is not."""
    findings = {name: probe() for name, probe in PROBES.items()}
    is_ready = all(finding is Readiness.OK for finding in findings.values())
    return JsonResponse(findings, status=200 if is_ready else 503)
