"""The desk's pages of WeChat's side, and the waybill's page, which joins both."""

from wechat.admin import callback, callback_refusal, waybill

__all__ = ["callback", "callback_refusal", "waybill"]
