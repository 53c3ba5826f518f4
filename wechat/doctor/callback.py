"""The callback as WeChat meets it: asked over the network, signed with the configured token by the real clock."""

import os
import secrets
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from wechat.conf import WechatSettings
from wechat.doctor.caller import Caller, Seen
from wechat.doctor.findings import Finding, Grade, Text, fine, note, problem
from wechat.doctor.letters import BadReply, Fields, Letter, Stamp, back_query, require_no_such_waybill, write_letter
from wechat.messages import Format

Clock = Callable[[], float]

_SLOW, _TOO_SLOW = 1.0, 5.0
"""Seconds; after the second WeChat hangs up (message-push.md, "Timing and retries")."""
_PORTS = {"http": 80, "https": 443}
_PHONE = "13000000000"
_REFUSED = 403

_ADDRESS = gettext_lazy("Give the address as WeChat's console has it: it ends in /wechat/callback/.")
_WHO_ANSWERS = gettext_lazy("Another server answers at this address: lead it to the portal.")
_UNREACHED = gettext_lazy("Check name resolution, firewall, proxy and certificate, and that the web process runs.")
_BROKEN = gettext_lazy("Look into the log of the web process and of the proxy in front of it.")
_TOKEN_DIFFERS = gettext_lazy(
    "The web process has another WECHAT_TOKEN, or its clock is off by more than CALLBACK_TOLERANCE."
)
_KEYS_DIFFER = gettext_lazy(
    "The web process has another WECHAT_AES_KEYS, WECHAT_APPID or WECHAT_MESSAGE_MODE, or a proxy changes the body."
)
_REDIRECTED = gettext_lazy("WeChat follows no redirect: give its console the final address.")


def check_callback(caller: Caller, wechat: WechatSettings, clock: Clock) -> Iterator[Finding]:
    """Yield how the callback answers: the verification, the back-query, what is not WeChat's; and how fast."""
    if not wechat.token or (wechat.message_mode != "plain" and not wechat.aes_keys):
        yield note(_("Callback"), _("Not checked: WECHAT_TOKEN or WECHAT_AES_KEYS is not set."))
        return
    yield from _check_port(caller.url)
    echo = secrets.token_hex(8)
    verified = caller.get({**_stamp(clock).query(wechat), "echostr": echo})
    verification = _judge_verification(verified, echo)
    yield verification
    if verification.grade is Grade.PROBLEM:
        # What follows would fail for the same cause, and name another.
        return
    answers = [verified]
    for form in Format:
        stamp = _stamp(clock)
        fields = back_query(_no_such_waybill(), _PHONE, stamp, wechat)
        answers.append(caller.post(write_letter(fields, form, stamp, wechat, os.urandom(16)), form))
        yield _judge_back_query(answers[-1], fields, form, stamp, wechat)
    yield _judge_forgeries([caller.post(letter, Format.XML) for letter in _forgeries(_stamp(clock), wechat)])
    yield _judge_time(max(answer.took for answer in answers))


def _check_port(url: str) -> Iterator[Finding]:
    parts = urlsplit(url)
    if (parts.port or _PORTS[parts.scheme]) != _PORTS[parts.scheme]:
        yield note(
            _("Callback: address"),
            _("WeChat calls no other port than 80 (http) and 443 (https)."),
            _("Check the public address as well."),
        )


def _stamp(clock: Clock) -> Stamp:
    return Stamp(int(clock()), secrets.token_hex(8))


def _no_such_waybill() -> str:
    """Return a number that cannot exist: no number has more than 64 characters."""
    return "doctor-" + secrets.token_hex(32)


def _forgeries(stamp: Stamp, wechat: WechatSettings) -> list[Letter]:
    """Return a query that is not signed and one that is signed with another token, both else as WeChat writes them."""
    fields = back_query(_no_such_waybill(), _PHONE, stamp, wechat)
    letter = write_letter(fields, Format.XML, stamp, wechat, os.urandom(16))
    unsigned = {name: value for name, value in letter.query.items() if "signature" not in name}
    forged = {name: secrets.token_hex(20) for name in letter.query if "signature" in name}
    return [Letter(unsigned, letter.body), Letter(unsigned | forged, letter.body)]


def _judge_verification(seen: Seen, echo: str) -> Finding:
    what = _("Callback: verification (GET)")
    if seen.status != 200:
        return problem(what, *_explain_status(seen, _TOKEN_DIFFERS))
    if seen.body != echo.encode():
        return problem(what, _("The answer is not the echostr."), _WHO_ANSWERS)
    return fine(what, _("The echostr came back."))


def _judge_back_query(seen: Seen, asked: Fields, form: Format, stamp: Stamp, wechat: WechatSettings) -> Finding:
    what = _("Callback: back-query in %(form)s") % {"form": form.value.upper()}
    if seen.status != 200:
        return problem(what, *_explain_status(seen, _KEYS_DIFFER))
    try:
        require_no_such_waybill(seen.body, asked, form, stamp, wechat)
    except BadReply as reason:
        return problem(
            what,
            _("WeChat would not take the reply: %(reason)s.") % {"reason": reason},
            _("Give the web process the same WECHAT_* settings as here; no other server or proxy may answer for it."),
        )
    return fine(what, _("Answered as it should be, in mode %(mode)s.") % {"mode": wechat.message_mode})


def _judge_forgeries(answers: list[Seen]) -> Finding:
    what = _("Callback: what WeChat did not sign")
    for seen in answers:
        if seen.status is None:
            return problem(what, *_explain_status(seen, _WHO_ANSWERS))
        if seen.status != _REFUSED:
            says = _("Answered %(status)d in place of 403.") % {"status": seen.status}
            return problem(what, says, _WHO_ANSWERS)
    return fine(what, _("Refused."))


def _judge_time(slowest: float) -> Finding:
    what = _("Callback: time")
    says = _("The slowest answer took %(milliseconds)d ms.") % {"milliseconds": round(slowest * 1000)}
    if slowest > _TOO_SLOW:
        return problem(what, says, _("WeChat hangs up after 5 s: add web processes, look at database and proxy."))
    if slowest > _SLOW:
        return note(what, says, _("WeChat hangs up after 5 s: look at database, proxy and load."))
    return fine(what, says)


def _explain_status(seen: Seen, refused: Text) -> tuple[Text, Text]:
    """Return what a status that is no answer means, and the remedy. refused: the remedy of a 403."""
    if seen.status is None:
        return _("No answer: %(error)s.") % {"error": seen.error}, _UNREACHED
    says = _("Answered %(status)d.") % {"status": seen.status}
    if seen.status == _REFUSED:
        return says, refused
    if seen.status == 404:
        return says, _ADDRESS
    if seen.status >= 500:
        return says, _BROKEN
    return says, _REDIRECTED if 300 <= seen.status < 400 else _WHO_ANSWERS
