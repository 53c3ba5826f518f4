"""What WeChat's side stores, one noun a file."""

from wechat.models.access_token import AccessToken
from wechat.models.callback import Callback, CallbackOutcome, CallbackRefusal

__all__ = ["AccessToken", "Callback", "CallbackOutcome", "CallbackRefusal"]
