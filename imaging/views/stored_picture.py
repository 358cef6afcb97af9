"""`GET pictures/{token}/`: a picture that was made here, for storages that can't issue links themselves."""

from typing import ClassVar

from django.http import HttpRequest, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema

from accounts.read_view import ReadView
from common.query_params import refuse_parameters
from common.responses import NO_STORE
from imaging.permissions import USE_IMAGING
from imaging.services import storage


class StoredPicture(ReadView):
    """One picture. A link is valid for some minutes."""

    needs: ClassVar = dict.fromkeys(("GET", "HEAD"), USE_IMAGING)

    @extend_schema(
        operation_id="get_stored_picture",
        summary="A picture that was made here, by its link",
        responses={(200, "image/jpeg"): OpenApiTypes.BINARY},
    )
    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Returns the picture. This gateway has encoded it, so a browser may show it."""
        refuse_parameters(request)
        key = storage.key_of(token)
        return HttpResponse(storage.read(key), content_type=storage.content_type(key), headers=NO_STORE)
