"""`/api/docs/`: Swagger UI; `/api/schema/`: what it shows."""

from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView


class ApiDocs(SpectacularSwaggerSplitView):
    """Swagger UI with nothing inline, as the content security policy of pages demands."""

    throttle_classes = ()
    template_name = "common/api_docs.html"
    http_method_names = ["get", "head"]  # noqa: RUF012 - as Django has it; no template for OPTIONS


class ApiSchema(SpectacularAPIView):
    """The OpenAPI description."""

    throttle_classes = ()
