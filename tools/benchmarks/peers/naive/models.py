"""The table of the naive log."""

from typing import ClassVar

from django.db import models


class Prediction(models.Model):
    """One prediction."""

    doctor_name = models.CharField(max_length=100)
    patient_name = models.CharField(max_length=100)
    input_data = models.JSONField()
    output_data = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    objects: "ClassVar[models.Manager[Prediction]]" = models.Manager()

    class Meta:
        app_label = "naive"

    def __str__(self) -> str:
        return str(self.pk)
