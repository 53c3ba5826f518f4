"""What WeChat's side stores, one noun a file."""

from wechat.models.access_token import AccessToken
from wechat.models.call_budget import CallBudget
from wechat.models.callback import Callback, CallbackOutcome, CallbackRefusal
from wechat.models.gateway_reset import GatewayReset

__all__ = ["AccessToken", "CallBudget", "Callback", "CallbackOutcome", "CallbackRefusal", "GatewayReset"]
