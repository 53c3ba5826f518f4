"""The specification's samples: wechat-logistics-push.md, 5.3, 用户手机状态查询 and 推送已绑定物流轨迹信息."""

import json
from typing import Any

PHONE = "13800138000"
USERQUERY = b"""{
"phone":"13800138000"
}"""
PATHNOTIFY = """{
"path": {
  "action_time": 1597396101,
  "action_type": 200001,
  "action_msg": "快件到达 【泉州磁灶集散中心】",
  "pickup_courier_name":"",
  "pickup_courier_phone":"",
  "delivery_courier_name":"",
  "delivery_courier_phone":""
 },
 "receiver": {
  "area": "晋江市",
  "address": "庄宅北区158-6",
  "province": "福建省",
  "city": "泉州市",
  "phone": "13800138000",
  "name": "李四"
 },
 "sender": {
  "area": "柯桥区",
  "address": "纺都路137号",
  "province": "浙江省",
  "city": "绍兴市",
  "phone": "13800138001",
  "name": "张三"
 },
 "waybill_id": "1234567890"
 }""".encode()


def push(**changes: Any) -> dict[str, Any]:
    """Return the sample with the create_time that it lacks, changed at dotted places: push(path__action_type=300002).

    `...` takes a field away.
    """
    body: dict[str, Any] = {**json.loads(PATHNOTIFY), "create_time": 1597390000}
    for name, value in changes.items():
        *places, last = name.split("__")
        target = body
        for place in places:
            target = target[place]
        if value is ...:
            del target[last]
        else:
            target[last] = value
    return body
