"""`/api/docs/`: Swagger UI."""

from drf_spectacular.views import SpectacularSwaggerSplitView


class ApiDocs(SpectacularSwaggerSplitView):
    """Swagger UI with nothing inline, as the content security policy of pages demands."""

    template_name = "common/api_docs.html"
    http_method_names = ["get", "head"]  # noqa: RUF012 - as Django has it; no template for OPTIONS
