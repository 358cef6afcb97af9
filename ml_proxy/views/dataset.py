"""`GET dataset/`: judged inferences for training, as one file."""

from typing import ClassVar

from django.http import HttpRequest, StreamingHttpResponse
from drf_spectacular.utils import extend_schema

from accounts.read_view import ReadView
from common.file_response import FORM_READERS, attachment, file_answers, file_fields, take_form
from common.query_params import Readers, read_query
from common.row_scope import scope_of
from ml_proxy.accuracy import FeedbackFilter
from ml_proxy.dataset import export
from ml_proxy.filters import MODEL_FILTERS
from ml_proxy.permissions import EXPORT_DATASET
from ml_proxy.serializers import MODEL_FIELDS

_READERS: Readers = {**FORM_READERS, **MODEL_FILTERS}


class DataSet(ReadView):
    """Exports each inference that has a verdict, with its newest verdict."""

    needs: ClassVar = {"GET": EXPORT_DATASET, "HEAD": EXPORT_DATASET}
    rate_limit = "export"

    @extend_schema(
        operation_id="export_dataset",
        summary="Export judged inferences, without names, as one file",
        description=(
            "Streamed, oldest verdict first, with one line per inference and its newest verdict: inference_id, input "
            "(the request's body without doctor_name and patient_name; it may still identify a patient), label (the "
            "doctor's; null if the doctor agreed with an answer that has no label), verdict, model_name, "
            "model_version, predicted_at, verdict_at, verdict_id. since and until filter by predicted_at."
        ),
        parameters=[*file_fields(), *MODEL_FIELDS],
        responses=file_answers(),
    )
    def get(self, request: HttpRequest) -> StreamingHttpResponse:
        """Returns the file."""
        query = read_query(request, _READERS)
        form, action = take_form(query), "dataset.export"
        wanted = FeedbackFilter(scope=scope_of(request), **query)
        return attachment(request, "dataset", form, lambda: export(wanted, form), action=action, filters=query)
