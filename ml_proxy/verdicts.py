"""The table of verdicts, beside the log: a row of the log is sealed and stays as it was written."""

from typing import ClassVar

from django.db import models

from ml_proxy.records import MOST_CHARACTERS

MOST_LABEL = 200  # characters
MOST_NOTE = 2000


class Verdict(models.Model):
    """What a doctor said of one inference. Never changed: a later one of the same inference supersedes it.

    Its ids rise in the order in which verdicts are committed. What it says about, but for the payloads, it holds
    itself: that never changes either, and accuracy is counted without a look at the log.
    """

    class Word(models.TextChoices):
        """Whether the model was right."""

        AGREE = "agree"
        CORRECT = "correct"

    id = models.BigAutoField(primary_key=True)
    # Without a constraint, which would keep a month of a log in partitions from being detached; erasing sees to rows.
    inference = models.ForeignKey(
        "ml_proxy.InferenceLog", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    verdict = models.CharField(max_length=7, choices=Word.choices)
    label = models.CharField(max_length=MOST_LABEL, null=True)  # noqa: DJ001 - no label is null, in the API too
    note = models.CharField(max_length=MOST_NOTE, blank=True)
    caller = models.CharField(max_length=MOST_CHARACTERS["caller"], blank=True, help_text="Who said so, where known.")
    created_at = models.DateTimeField(auto_now_add=True, help_text="When it was said.")
    model_name = models.CharField(max_length=MOST_CHARACTERS["model_name"], blank=True)
    model_version = models.CharField(max_length=MOST_CHARACTERS["model_version"], blank=True)
    predicted_at = models.DateTimeField(help_text="When the model had answered.")

    class Meta:
        permissions: ClassVar = [("export_dataset", "Can export judged inferences, without names, as a data set")]
        indexes: ClassVar = [
            models.Index(fields=["inference", "-id"], name="verdict_newest"),
            models.Index(fields=["predicted_at"], name="verdict_by_time"),
        ]

    def __str__(self) -> str:
        return str(self.pk)
