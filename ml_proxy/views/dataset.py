"""`GET dataset/`: judged inferences for training, as one file."""

from typing import ClassVar

from django.http import HttpRequest, StreamingHttpResponse
from drf_spectacular.utils import extend_schema

from accounts.read_view import ReadView
from common.export_formats import DEFAULT, FORMS, form_name
from common.file_response import FILE_ANSWERS, FILE_FIELDS, attachment
from common.query_params import Readers, read_query
from ml_proxy.accuracy import FeedbackFilter
from ml_proxy.dataset import export
from ml_proxy.filters import MODEL_FILTERS
from ml_proxy.permissions import EXPORT_DATASET
from ml_proxy.serializers import MODEL_FIELDS

_READERS: Readers = {"format": ("format", form_name), **MODEL_FILTERS}


class DataSet(ReadView):
    """Exports each inference that has a verdict, with its newest verdict."""

    needs: ClassVar = {"GET": EXPORT_DATASET, "HEAD": EXPORT_DATASET}

    @extend_schema(
        operation_id="export_dataset",
        summary="Export judged inferences, without names, as one file",
        description=(
            "Streamed, oldest verdict first, with one line per inference and its newest verdict: inference_id, input "
            "(the request's body without doctor_name and patient_name; it may still identify a patient), label (the "
            "doctor's; null if the doctor agreed with an answer that has no label), verdict, model_name, "
            "model_version, predicted_at, verdict_at, verdict_id. since and until filter by predicted_at."
        ),
        parameters=[*FILE_FIELDS, *MODEL_FIELDS],
        responses=FILE_ANSWERS,
    )
    def get(self, request: HttpRequest) -> StreamingHttpResponse:
        """Returns the file."""
        query = read_query(request, _READERS)
        form, action = FORMS[query.pop("format", DEFAULT)], "dataset.export"
        wanted = FeedbackFilter(**query)
        return attachment(request, "dataset", form, lambda: export(wanted, form), action=action, filters=query)
