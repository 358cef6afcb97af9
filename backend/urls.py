"""All paths of the gateway."""

from django.contrib import admin
from django.urls import include, path, re_path

from accounts.pages.refused import permission_denied
from accounts.pages.sign_in import SignIn
from backend import console
from backend.api_docs import ApiDocs, ApiSchema
from backend.open_paths import guarded, readyz
from common import problem_details
from common.fixed_paths import EitherSlash, FixedPaths
from common.views import add_slash, healthz, metrics
from ml_proxy.pages.reception import reception, reception_one
from ml_proxy.permissions import VIEW_METRICS

admin.site.site_header = admin.site.site_title = "ML Proxy"
admin.site.index_title = "Records, jobs and accounts"

urlpatterns = [
    FixedPaths("ml/v1/", "ml_proxy.urls"),
    FixedPaths("ml/v1/", "accounts.api_urls"),
    FixedPaths("ml/v1/", "accounts.access_log.urls"),
    FixedPaths("ml/v1/mlflow/", "integrations.mlflow.urls"),
    *console.paths,
    EitherSlash("ddp/", "text_to_sql.ddp_urls"),
    EitherSlash("llm/", "text_to_sql.llm_urls"),
    EitherSlash("ai/", "imaging.urls"),
    path("reception/", reception, name="reception"),
    path("reception/<id:inference_id>/", reception_one, name="reception-one"),
    path("accounts/", include("accounts.urls")),
    path("admin/login/", SignIn.as_view(next_page="admin:index")),
    path("admin/", admin.site.urls),
    path("api/schema/", guarded("docs", ApiSchema.as_view()), name="schema"),
    path("api/docs/", guarded("docs", ApiDocs.as_view(url_name="schema")), name="docs"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", guarded("metrics", metrics, VIEW_METRICS), name="metrics"),
    re_path(r"^(?P<page>accounts|admin|reception|api/docs|api/schema)$", add_slash),
    re_path(r"", problem_details.page_not_found),  # under DEBUG too, instead of Django's own page
]

handler400 = problem_details.bad_request
handler403 = permission_denied
handler404 = problem_details.page_not_found
handler500 = problem_details.server_error
