"""The same two answers in the usual way: DRF views, ORM objects with prefetch, serializers, xmltodict both ways.

Kinder than usual: connections are persistent (Django closes them by default), and documents are sealed as the portal's.
"""

import base64
import os
import time

import xmltodict
from django.http import HttpResponse
from django.utils import timezone
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from bench.world import AES_KEY, APPID, TOKEN, USERNAME
from waybills.documents import unseal_path, unseal_waybill
from waybills.models import Cell, Path, Waybill
from waybills.sealing import blind_index, seal
from waybills.uuid7 import uuid7
from wechat.crypto import decrypt, encrypt
from wechat.models import Callback
from wechat.signature import is_signed, sign

KEY = base64.b64decode(AES_KEY + "=")


class XmlParser(BaseParser):
    media_type = "text/xml"

    def parse(self, stream, media_type=None, parser_context=None):
        return xmltodict.parse(stream.read())["xml"]


class XmlRenderer(BaseRenderer):
    media_type = "text/xml"
    format = "xml"

    def render(self, data, accepted_media_type=None, renderer_context=None):
        return xmltodict.unparse({"xml": data}, full_document=False).encode()


class PathSerializer(serializers.ModelSerializer):
    ActionTime = serializers.IntegerField(source="action_time")
    ActionType = serializers.IntegerField(source="action_type")
    ActionMsg = serializers.CharField(source="document.action_msg")
    PickupCourierName = serializers.CharField(source="document.pickup_courier_name")
    PickupCourierPhone = serializers.CharField(source="document.pickup_courier_phone")
    DeliveryCourierName = serializers.CharField(source="document.delivery_courier_name")
    DeliveryCourierPhone = serializers.CharField(source="document.delivery_courier_phone")

    class Meta:
        model = Path
        fields = [
            "ActionTime",
            "ActionType",
            "ActionMsg",
            "PickupCourierName",
            "PickupCourierPhone",
            "DeliveryCourierName",
            "DeliveryCourierPhone",
        ]

    def to_representation(self, instance):
        instance.document = unseal_path(bytes(instance.digest), bytes(instance.sealed))
        return {name: value for name, value in super().to_representation(instance).items() if value != ""}


class QuerySerializer(serializers.Serializer):
    FromUserName = serializers.CharField()
    CreateTime = serializers.IntegerField()
    Event = serializers.CharField()
    WaybillId = serializers.CharField()
    SenderPhone = serializers.CharField(required=False)
    ReceiverPhone = serializers.CharField()


def found(number: str) -> Waybill:
    waybill = Waybill.objects.prefetch_related("paths").get(no=number, posted_at__isnull=False)
    waybill.shown = [path for path in waybill.paths.all() if path.voided_at is None]
    return waybill


class CallbackView(APIView):
    authentication_classes = ()
    permission_classes = ()
    parser_classes = (XmlParser,)
    renderer_classes = (XmlRenderer,)

    def post(self, request):
        began = time.perf_counter()
        timestamp, nonce = request.query_params["timestamp"], request.query_params["nonce"]
        ciphertext = request.data["Encrypt"]
        if not is_signed(request.query_params["msg_signature"], TOKEN, timestamp, nonce, ciphertext):
            return Response(status=403)
        message, _ = decrypt(ciphertext, KEY)
        query = QuerySerializer(data=dict(xmltodict.parse(message)["xml"]))
        query.is_valid(raise_exception=True)
        fields = query.validated_data
        waybill = found(fields["WaybillId"])
        if bytes(waybill.receiver_phone_index) != blind_index(fields["ReceiverPhone"]):
            return Response(status=500)
        reply = xmltodict.unparse(
            {
                "xml": {
                    "ToUserName": fields["FromUserName"],
                    "FromUserName": USERNAME,
                    "CreateTime": fields["CreateTime"],
                    "MsgType": "event",
                    "Event": "waybill_notify_query",
                    "ResultCode": 0,
                    "ResultMsg": "OK",
                    "WaybillCreateTime": waybill.create_time,
                    "Path": PathSerializer(waybill.shown, many=True).data,
                }
            },
            full_document=False,
        )
        row_id = uuid7()
        Callback.objects.create(
            id=row_id,
            received_at=timezone.now(),
            duration_us=round((time.perf_counter() - began) * 1e6),
            source=request.META["REMOTE_ADDR"],
            event="waybill_notify_query",
            waybill_no=waybill.no,
            outcome="answered",
            result_code=0,
            sealed=seal("callback.sealed", row_id.bytes, (1, message.decode(), reply)),
        )
        sealed, now = encrypt(reply.encode(), APPID, KEY, os.urandom(16)), str(int(time.time()))
        return Response(
            {
                "Encrypt": sealed,
                "MsgSignature": sign(TOKEN, now, nonce, sealed),
                "TimeStamp": now,
                "Nonce": nonce,
            }
        )


class InfoView(APIView):
    authentication_classes = ()
    permission_classes = ()

    def get(self, request):
        waybill = found(request.query_params["waybill_id"])
        sender, receiver = unseal_waybill(
            waybill.no,
            bytes(waybill.sealed),
            (waybill.sender_province, waybill.sender_city),
            (waybill.receiver_province, waybill.receiver_city),
        )
        response = Response(
            {
                "ResultCode": 0,
                "ResultMsg": "OK",
                "WaybillId": waybill.no,
                "WaybillCreateTime": waybill.create_time,
                "Sender": {"Name": sender.name[:1] + "*", "Province": sender.province, "City": sender.city},
                "Receiver": {"Name": receiver.name[:1] + "*", "Province": receiver.province, "City": receiver.city},
                "Path": PathSerializer(waybill.shown, many=True).data,
                "Cell": [{"Key": cell.key, "Name": cell.name, "Link": cell.link} for cell in Cell.objects.all()],
            }
        )
        response = self.finalize_response(request, response)
        response.render()
        function = request.query_params["callback"].encode()
        return HttpResponse(b"/**/" + function + b"(" + response.content + b");", "text/javascript; charset=utf-8")
