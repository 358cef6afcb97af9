"""`/ai/info/` and `/ai/healthcheck/`."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema

from accounts.read_view import ReadView
from common.query_params import refuse_parameters
from common.responses import json_response
from imaging import health, pictures
from imaging.serializers import HealthResponse
from imaging.services import DRAWERS, KINDS


class Info(ReadView):
    """What the services are."""

    @extend_schema(operation_id="imaging_info", summary="Models, versions and limits", responses=OpenApiTypes.OBJECT)
    def get(self, request: HttpRequest) -> HttpResponse:
        """Returns them. It calls no provider."""
        refuse_parameters(request)
        named = {kind.name: kind for kind in KINDS} | {"image_generation_v2": DRAWERS["v2"]}
        services = {name: {"provider": kind.chosen().provider, **kind.chosen().info()} for name, kind in named.items()}
        limits = {
            "bytes": settings.IMAGE_MAX_BYTES,
            "pixels": settings.IMAGE_MAX_PIXELS,
            "min_side": pictures.MIN_SIDE,
            "max_side": pictures.MAX_SIDE,
            "aspect_ratio": pictures.MAX_ASPECT_RATIO,
            "fetch_seconds": settings.IMAGE_FETCH_SECONDS,
            "formats": ["JPEG", "PNG", "WebP", "GIF"],
            "daily_dollars": settings.IMAGES_DAILY_COST_LIMIT,
        }
        return json_response({"services": services, "limits": limits})


class Healthcheck(ReadView):
    """Whether desk photos can be served."""

    @extend_schema(
        operation_id="imaging_healthcheck",
        summary="Health of desk photos",
        description="For a load balancer use `/healthz`, which needs no credentials.",
        responses=HealthResponse,
    )
    def get(self, request: HttpRequest) -> HttpResponse:
        """Says which models are on this machine."""
        refuse_parameters(request)
        return json_response(health.described())
