"""System checks of the environment; every entry point runs them before it serves."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register, run_checks
from django.core.checks.messages import ERROR

CONFIGURATION = "portal.E001"


@register()
def check_configuration(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Return an error for each variable of the environment that is missing or has the wrong shape."""
    return [Error(problem.what, hint=problem.remedy, id=CONFIGURATION) for problem in settings.CONFIGURATION_PROBLEMS]


def stop_on_wrong_configuration() -> None:
    """Exit with every finding named; return where all is well.

    A WSGI server and Celery run no system checks by themselves.
    """
    findings = [finding for finding in run_checks() if finding.level >= ERROR and not finding.is_silenced()]
    if findings:
        raise SystemExit("\n".join(["The portal does not start:", *(f"  {finding}" for finding in findings)]))
