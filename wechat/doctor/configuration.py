"""The environment: every system check, and what the mini program needs whatever the stage."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, run_checks
from django.core.checks.messages import WARNING
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from wechat import checks
from wechat.doctor.findings import Finding, Grade, Text, fine, note, problem

_DEVELOPMENT = gettext_lazy("Copy it from WeChat's console: development management, development settings.")
_MESSAGE_PUSH = gettext_lazy("Copy it from WeChat's console: development settings, message push.")
_REQUIRED: dict[str, tuple[str, Text]] = {
    "appid": ("WECHAT_APPID", _DEVELOPMENT),
    "secret": ("WECHAT_SECRET", _DEVELOPMENT),
    "username": ("WECHAT_USERNAME", gettext_lazy("Copy the original ID (gh_…) from WeChat's console: settings.")),
    "token": ("WECHAT_TOKEN", _MESSAGE_PUSH),
}
_SAID_HERE = {checks.MISSING, checks.NO_KEY}
"""Of system checks that are silent in debug: the doctor never is."""


def check_configuration() -> Iterator[Finding]:
    """Yield each variable that is missing or wrong, or that all is well; then what is only to be known."""
    problems = [*_missing_variables(), *map(_finding_of, _system_checks())]
    yield from problems or [fine(_("Configuration"), _("Complete and well formed."))]
    yield from _notes()


def _missing_variables() -> Iterator[Finding]:
    # One that is set in a wrong shape counts as empty: a system check names it.
    misshapen = {each.variable for each in settings.CONFIGURATION_PROBLEMS}
    for field, (variable, remedy) in _required().items():
        if not getattr(settings.WECHAT, field) and variable not in misshapen:
            yield problem(_("Configuration"), _("%(variable)s is not set.") % {"variable": variable}, remedy)


def _required() -> dict[str, tuple[str, Text]]:
    keys = {} if settings.WECHAT.message_mode == "plain" else {"aes_keys": ("WECHAT_AES_KEYS", _MESSAGE_PUSH)}
    return _REQUIRED | keys


def _system_checks() -> list[CheckMessage]:
    """Return what would keep `make run` from starting; a machine in debug is not asked to be fit for traffic."""
    found = run_checks(include_deployment_checks=not settings.DEBUG)
    return [each for each in found if each.level >= WARNING and not each.is_silenced() and each.id not in _SAID_HERE]


def _finding_of(message: CheckMessage) -> Finding:
    return Finding(_("Configuration"), Grade.PROBLEM, f"{message.msg} ({message.id})", message.hint or "")


def _notes() -> Iterator[Finding]:
    if settings.PUSH.only_phones:
        count = len(settings.PUSH.only_phones)
        yield note(
            _("Configuration"),
            _("PUSH_ONLY_PHONES is set: only %(count)d phones are pushed to.") % {"count": count},
            _("Empty it when joint debugging is over."),
        )
    if urlsplit(settings.WECHAT.api_base).scheme == "http":
        yield note(
            _("Configuration"),
            _("WECHAT_API_BASE is not WeChat's: a sandbox is called."),
            _("Leave it empty in production."),
        )
