"""The columns of a file: which fields there are, and which one a header means.

A field has the name that it has in REST, with the sender's and receiver's after a dot and the path's bare:
`receiver.phone`, `action_time`.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Kind(StrEnum):
    """How the text of a cell is read."""

    TEXT = "text"
    NUMBER = "number"
    """Digits that name something: a program that takes them for a quantity destroys them."""
    PHONE = "phone"
    NAME = "name"
    ADDRESS = "address"
    MOMENT = "moment"
    INTEGER = "integer"
    MESSAGE = "message"


@dataclass(frozen=True)
class Column:
    """One field that a file can hold."""

    field: str
    kind: Kind
    label: str | Promise
    """What the templates and the desk call it."""
    header: str
    """Its header in a Chinese template."""
    example: str
    aliases: tuple[str, ...] = ()
    """Other headers that mean it, in Chinese or English."""

    @property
    def is_of_path(self) -> bool:
        """Return whether the field belongs to the path event of its row."""
        return self.field in _PATH_FIELDS


_PATH_FIELDS = frozenset(
    {
        "action_time",
        "action_type",
        "carrier_code",
        "action_msg",
        "pickup_courier_name",
        "pickup_courier_phone",
        "delivery_courier_name",
        "delivery_courier_phone",
    }
)
# (field, kind, label of the sender's, of the receiver's, Chinese suffix, example, further suffixes)
_PARTS: tuple[tuple[str, Kind, Promise, Promise, str, str, tuple[str, ...]], ...] = (
    ("name", Kind.NAME, _("sender's name"), _("receiver's name"), "姓名", "李四", ("", "名称", "名字")),
    (
        "phone",
        Kind.PHONE,
        _("sender's phone"),
        _("receiver's phone"),
        "电话",
        "13800138000",
        ("手机", "手机号", "手机号码", "联系电话", "电话号码", "mobile", "tel"),
    ),
    ("province", Kind.TEXT, _("sender's province"), _("receiver's province"), "省", "福建省", ("省份",)),
    ("city", Kind.TEXT, _("sender's city"), _("receiver's city"), "市", "泉州市", ("城市",)),
    ("area", Kind.TEXT, _("sender's district"), _("receiver's district"), "区", "晋江市", ("区县", "县", "district")),
    ("street", Kind.ADDRESS, _("sender's street"), _("receiver's street"), "街道", "磁灶镇", ("乡镇", "镇")),
    ("address", Kind.ADDRESS, _("sender's address"), _("receiver's address"), "详细地址", "庄宅北区158-6", ("地址",)),
    ("id", Kind.NUMBER, _("sender's number"), _("receiver's number"), "编号", "C1024", ("客户编号", "代码")),
)
_PARTIES = {
    "sender": ("寄件人", ("寄件方", "寄件", "发件人", "发件方", "发件", "寄方", "发货人", "shipper")),
    "receiver": ("收件人", ("收件方", "收件", "收货人", "收货方", "收方", "recipient", "consignee")),
}


def _party(party: str) -> list[Column]:
    word, others = _PARTIES[party]
    words = (party, word, *others)
    columns = []
    for part, kind, of_sender, of_receiver, suffix, example, suffixes in _PARTS:
        label = of_sender if party == "sender" else of_receiver
        endings = (part, suffix, *suffixes)
        aliases = tuple(first + ending for first in words for ending in endings)
        columns.append(Column(f"{party}.{part}", kind, label, word + suffix, example, aliases))
    return columns


COLUMNS: tuple[Column, ...] = (
    Column(
        "waybill_id",
        Kind.NUMBER,
        _("waybill number"),
        "运单号",
        "SF1390088776655",
        (
            "运单编号",
            "运单号码",
            "快递单号",
            "物流单号",
            "单号",
            "waybill",
            "waybill number",
            "waybill no",
            "tracking no",
        ),
    ),
    Column(
        "create_time",
        Kind.MOMENT,
        _("created by the carrier at"),
        "下单时间",
        "2026-11-24 09:30:00",
        ("创建时间", "运单创建时间", "寄件时间", "waybill create time", "created at"),
    ),
    *_party("receiver"),
    *_party("sender"),
    Column(
        "action_time",
        Kind.MOMENT,
        _("action time"),
        "轨迹时间",
        "2026-11-24 10:30:00",
        ("操作时间", "扫描时间", "事件时间", "轨迹产生时间", "event time", "scan time"),
    ),
    Column(
        "action_type",
        Kind.INTEGER,
        _("action type"),
        "轨迹类型",
        "300002",
        ("轨迹类型代码", "微信状态码", "事件类型", "动作类型", "event type"),
    ),
    Column(
        "carrier_code",
        Kind.NUMBER,
        _("carrier's code"),
        "运力自有代码",
        "DELIVERING",
        (
            "快递公司状态码",
            "运力状态码",
            "运力代码",
            "状态码",
            "状态代码",
            "快递状态",
            "操作类型",
            "扫描类型",
            "status",
            "status code",
        ),
    ),
    Column(
        "action_msg",
        Kind.MESSAGE,
        _("text of the event"),
        "轨迹描述",
        "【李四/13800138000】正在派件",
        ("轨迹内容", "轨迹信息", "物流信息", "描述", "message", "event text"),
    ),
    Column(
        "pickup_courier_name",
        Kind.NAME,
        _("pickup courier's name"),
        "取件员姓名",
        "王五",
        ("揽件员", "揽收员", "收件员", "取件员", "揽件员姓名"),
    ),
    Column(
        "pickup_courier_phone",
        Kind.PHONE,
        _("pickup courier's phone"),
        "取件员电话",
        "13766668888",
        ("揽件员手机", "揽收员电话", "收件员电话", "揽件员电话", "取件员手机"),
    ),
    Column(
        "delivery_courier_name",
        Kind.NAME,
        _("delivery courier's name"),
        "派件员姓名",
        "赵六",
        ("派件员", "派送员", "派件快递员", "快递员"),
    ),
    Column(
        "delivery_courier_phone",
        Kind.PHONE,
        _("delivery courier's phone"),
        "派件员电话",
        "13755556666",
        ("派件员手机", "派送员电话", "派件快递员电话", "快递员电话"),
    ),
)
BY_FIELD: Mapping[str, Column] = {column.field: column for column in COLUMNS}
LINE_HEADER, REASON_HEADER = _("line number"), _("reason")
"""The columns that a report of bad rows has on top of the file's own; when it comes back they mean nothing."""


_LONGEST_HEADER = 128
"""Characters: a longer one means no field."""
_DIGITS_OF_DATA = 7


def _normal(header: str) -> str:
    """Return what counts of a header.

    >>> _normal(" Receiver_Phone（必填）*")
    'receiverphone'
    """
    plain = unicodedata.normalize("NFKC", header).casefold()
    return re.sub(r"\([^()]*\)|[\W_]", "", plain)


_MEANT = {_normal(name): column.field for column in COLUMNS for name in (column.field, column.header, *column.aliases)}


def guess_mapping(header: Sequence[str]) -> list[str]:
    """Return for each header the field that it means, or the empty text. A field is taken once, by the first.

    >>> guess_mapping(["运单号", "收件人手机号", "receiver_name", "备注", "单号"])
    ['waybill_id', 'receiver.phone', 'receiver.name', '', '']
    >>> guess_mapping(["收件省", "寄件地址", "收件员", "寄件时间"])
    ['receiver.province', 'sender.address', 'pickup_courier_name', 'create_time']
    """
    taken: set[str] = set()
    mapping = []
    for name in header:
        field = _MEANT.get(_normal(name), "") if len(name) <= _LONGEST_HEADER else ""
        mapping.append("" if field in taken else field)
        taken.add(field)
    return mapping


def is_row_of_data(header: Sequence[str]) -> bool:
    """Return whether a first line is no header: no name of a column holds seven digits, as phones and times do.

    >>> is_row_of_data(["运单号", "电话1"]), is_row_of_data(["SF1", "李四", "138 0013 8000"])
    (False, True)
    """
    return any(sum(map(str.isdigit, name)) >= _DIGITS_OF_DATA for name in header)


def check_mapping(mapping: Sequence[str]) -> str:
    """Return what keeps a mapping from being used, as a code of MAPPING_FAULTS, or the empty text."""
    fields = [field for field in mapping if field]
    if not BY_FIELD.keys() >= set(fields):
        return "unknown"
    if len(fields) != len(set(fields)):
        return "twice"
    if "waybill_id" not in fields:
        return "no_number"
    if len(fields) == 1:
        return "nothing_else"
    return ""


MAPPING_FAULTS: Mapping[str, Any] = {
    "unknown": _("There is no such field."),
    "twice": _("Two columns have the same field: leave one of them out."),
    "no_number": _("No column is the waybill number: say which one is."),
    "nothing_else": _("Nothing but the waybill number has a field: say what the other columns are."),
}
