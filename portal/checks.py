"""System checks of the environment; every entry point runs them before it serves."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register, run_checks
from django.core.checks.messages import ERROR

CONFIGURATION = "portal.E001"
DEBUG_ON = "portal.E002"
NO_HOST = "portal.E003"


@register()
def check_configuration(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Return an error for each variable of the environment that is missing or has the wrong shape."""
    return [Error(problem.what, hint=problem.remedy, id=CONFIGURATION) for problem in settings.CONFIGURATION_PROBLEMS]


@register(deploy=True)
def check_fit_for_traffic(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Return an error for what a developer's machine may do and a server must not, by the variable's own name."""
    findings: list[CheckMessage] = []
    if settings.DEBUG:
        findings.append(Error("DJANGO_DEBUG is on.", hint="It shows faults in full: set it to 0.", id=DEBUG_ON))
    if settings.SURFACE != "edge" and not settings.ALLOWED_HOSTS:
        findings.append(
            Error(
                "DJANGO_ALLOWED_HOSTS is not set.",
                hint="Name the hosts by which the desk and the API are reached, comma-separated.",
                id=NO_HOST,
            )
        )
    return findings


def stop_on_wrong_configuration() -> None:
    """Exit with every finding named; return where all is well.

    A WSGI server and Celery run no system checks by themselves.
    """
    findings = [finding for finding in run_checks() if finding.level >= ERROR and not finding.is_silenced()]
    if findings:
        raise SystemExit("\n".join(["The portal does not start:", *(f"  {finding}" for finding in findings)]))
