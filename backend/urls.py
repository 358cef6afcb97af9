"""All paths of the gateway."""

from django.contrib import admin
from django.urls import path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from common import problem_details
from common.fixed_paths import EitherSlash, FixedPaths
from common.views import healthz, metrics, readyz
from ml_proxy.views.home import home

urlpatterns = [
    FixedPaths("ml/v1/", "ml_proxy.urls"),
    FixedPaths("ml/v1/mlflow/", "integrations.mlflow.urls"),
    path("", home, name="home"),
    EitherSlash("ddp/", "text_to_sql.ddp_urls"),
    EitherSlash("llm/", "text_to_sql.llm_urls"),
    path("admin/", admin.site.urls),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    re_path(r"^(?P<page>admin|api/docs|api/schema)$", RedirectView.as_view(url="/%(page)s/")),
    re_path(r"", problem_details.page_not_found),  # under DEBUG too, instead of Django's own page
]

handler400 = problem_details.bad_request
handler404 = problem_details.page_not_found
handler500 = problem_details.server_error
