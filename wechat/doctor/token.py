"""WeChat's API: does it give this mini program a token, and does its clock agree with this one."""

from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime

from django.conf import settings
from django.utils.translation import gettext as _

from wechat.client import Raw, Reading, Reply, read_token_reply, stable_token_body
from wechat.doctor.findings import Finding, fine, note, problem
from wechat.error_codes import OK, explain_token_call
from wechat.transports import post

Clock = Callable[[], float]
"""Unix seconds."""
_NOTICEABLE = 30.0
"""Seconds: less may be the way."""


def check_token(clock: Clock) -> Iterator[Finding]:
    """Yield whether WeChat gives a token, and whether the clocks agree.

    WeChat is asked each time: a stored token would say nothing of the secret and the white list of today. The answer
    is the token that all processes share; it is neither stored nor shown.
    """
    wechat = settings.WECHAT
    if not wechat.appid or not wechat.secret:
        yield note(_("Token"), _("Not checked: WECHAT_APPID or WECHAT_SECRET is not set."))
        return
    raw = post(wechat.api_base, "stable_token", stable_token_body(wechat.appid, wechat.secret))
    reply = read_token_reply(raw)
    if reply.failure is None:
        yield fine(_("Token"), _("WeChat gives one, for %(seconds)d s.") % {"seconds": reply.expires_in})
    else:
        yield _explained(reply.failure)
    yield from _check_clock(raw, clock())


def _explained(failure: Reply) -> Finding:
    if failure.errcode is not None and failure.errcode != OK:
        explanation = explain_token_call(failure.errcode)
        says = f"{failure.errcode} {explanation.meaning} {_shown(failure.errmsg)}"
        return problem(_("Token"), says, explanation.remedy)
    if failure.reading is Reading.NOT_SENT:
        return problem(
            _("Token"),
            _("WeChat is not reached: %(error)s.") % {"error": failure.errmsg},
            _("Let this machine reach WECHAT_API_BASE: name resolution, firewall, proxy, certificates."),
        )
    return problem(
        _("Token"),
        _("No usable answer: %(error)s.") % {"error": _shown(failure.errmsg)},
        _("Try again; if it stays, see whether WECHAT_API_BASE or a proxy leads elsewhere than to WeChat."),
    )


def _shown(errmsg: str) -> str:
    """Return a far side's text in one line, without the secret, should it repeat it."""
    printable = "".join(letter if letter.isprintable() else " " for letter in errmsg)
    return printable.replace(settings.WECHAT.secret, "…")


def _check_clock(raw: Raw, now: float) -> Iterator[Finding]:
    """Yield how far this machine's clock is off WeChat's; nothing where WeChat does not tell the time."""
    try:
        theirs = parsedate_to_datetime(raw.date).timestamp()
    except ValueError:
        return
    off = round(now - theirs)
    says = _("%(seconds)d s off WeChat's.") % {"seconds": off}
    tolerance = settings.WECHAT.callback_tolerance.total_seconds()
    if tolerance and abs(off) >= tolerance:
        yield problem(_("Clock"), says, _("Set it by NTP: callbacks are refused beyond CALLBACK_TOLERANCE."))
    elif abs(off) > _NOTICEABLE:
        yield note(_("Clock"), says, _("Set it by NTP."))
    else:
        yield fine(_("Clock"), _("Agrees with WeChat's."))
