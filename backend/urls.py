"""Every path of the gateway."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from ml_proxy import problems
from ml_proxy.views.health import healthz, readyz
from ml_proxy.views.home import home
from ml_proxy.views.metrics import metrics

urlpatterns = [
    path("ml/v1/", include("ml_proxy.urls")),
    path("", home, name="home"),
    path("admin/", admin.site.urls),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    re_path(r"^(?P<page>admin|api/docs|api/schema)$", RedirectView.as_view(url="/%(page)s/")),
    re_path(r"", problems.page_not_found),  # in DEBUG too, where Django would draw a page of its own
]

handler400 = problems.bad_request
handler404 = problems.page_not_found
handler500 = problems.server_error
