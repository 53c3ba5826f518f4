"""Path events in, in bulk, in the usual way; and tuned by hand. Neither seals a document nor writes a push."""

import orjson
from django.db import transaction
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from bench.usual.models import Event
from waybills.action_types import ActionType
from waybills.api.authentication import TokenAuthentication
from waybills.models import Waybill

COURIERS = ["pickup_courier_name", "pickup_courier_phone", "delivery_courier_name", "delivery_courier_phone"]


class EventSerializer(serializers.ModelSerializer):
    """As it is written: DRF looks the waybill up, and the event for its unique constraint."""

    waybill_id = serializers.SlugRelatedField(slug_field="no", queryset=Waybill.objects.all(), source="waybill")
    action_type = serializers.ChoiceField(ActionType.choices)

    class Meta:
        model = Event
        fields = ["waybill_id", "action_time", "action_type", "action_msg", *COURIERS]


class LeanEventSerializer(EventSerializer):
    """Without the look-up for the constraint: a repeated event is the database's error."""

    class Meta(EventSerializer.Meta):
        validators = []


class TunedSerializer(serializers.Serializer):
    waybill_id = serializers.CharField(max_length=64)
    action_time = serializers.IntegerField()
    action_type = serializers.ChoiceField(ActionType.choices)
    action_msg = serializers.CharField(max_length=512)
    pickup_courier_name = serializers.CharField(max_length=64, required=False)
    pickup_courier_phone = serializers.CharField(max_length=32, required=False)
    delivery_courier_name = serializers.CharField(max_length=64, required=False)
    delivery_courier_phone = serializers.CharField(max_length=32, required=False)


class OrjsonParser(BaseParser):
    media_type = "application/json"

    def parse(self, stream, media_type=None, parser_context=None):
        return orjson.loads(stream.read())


class EventsView(APIView):
    authentication_classes = [TokenAuthentication]
    permission_classes = [IsAuthenticated]
    renderer_classes = [JSONRenderer]
    serializer_class = EventSerializer

    @transaction.atomic
    def post(self, request):
        serializer = self.serializer_class(data=request.data, many=True)
        serializer.is_valid(raise_exception=True)
        return Response({"paths": {"created": len(serializer.save())}})


class LeanEventsView(EventsView):
    serializer_class = LeanEventSerializer


class TunedView(EventsView):
    """One look-up of all waybills, one INSERT, orjson."""

    parser_classes = [OrjsonParser]

    @transaction.atomic
    def post(self, request):
        serializer = TunedSerializer(data=request.data, many=True)
        serializer.is_valid(raise_exception=True)
        items = serializer.validated_data
        ids = dict(Waybill.objects.filter(no__in={item["waybill_id"] for item in items}).values_list("no", "id"))
        events = [Event(**{**item, "waybill_id": ids[item["waybill_id"]]}) for item in items]
        Event.objects.bulk_create(events, ignore_conflicts=True)
        return Response({"paths": {"created": len(events)}})
