"""What the carrier's side stores, one noun a file."""

from waybills.models.account import ApiToken
from waybills.models.act import Act
from waybills.models.binding import Binding
from waybills.models.carrier_code import CarrierCode
from waybills.models.cell import Cell
from waybills.models.feed import Feed
from waybills.models.lane import Lane
from waybills.models.line import Line
from waybills.models.path import Path
from waybills.models.push import Push, PushReason, PushState
from waybills.models.push_attempt import Call, Outcome, PushAttempt
from waybills.models.schedule_lease import ScheduleLease
from waybills.models.waybill import Waybill

__all__ = [
    "Act",
    "ApiToken",
    "Binding",
    "Call",
    "CarrierCode",
    "Cell",
    "Feed",
    "Lane",
    "Line",
    "Outcome",
    "Path",
    "Push",
    "PushAttempt",
    "PushReason",
    "PushState",
    "ScheduleLease",
    "Waybill",
]
