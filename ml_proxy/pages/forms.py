"""The form of a verdict. It stores what the API stores, by the same rules."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.callers import Caller
from common.exceptions import BadInput, Unavailable
from common.responses import as_json
from ml_proxy import feedback
from ml_proxy.feedback_requests import read_request
from ml_proxy.model_classes import Texts
from ml_proxy.models import MAX_NOTE, Feedback

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Feedback]
else:
    ModelForm = forms.ModelForm

VERDICTS = ((Feedback.Verdict.AGREE, _("The model is right")), (Feedback.Verdict.CORRECT, _("The model is wrong")))


class VerdictForm(ModelForm):
    """Whether the model was right, and else the right class."""

    verdict = forms.ChoiceField(label=_("Verdict"), choices=VERDICTS, widget=forms.RadioSelect)
    note = forms.CharField(
        label=_("Note"), required=False, max_length=MAX_NOTE, widget=forms.Textarea(attrs={"rows": 3})
    )

    class Meta:
        model = Feedback
        fields = ("verdict", "label", "note")
        labels: ClassVar = {"label": _("The right class")}
        widgets: ClassVar = {"label": forms.TextInput(attrs={"list": "classes"})}  # a datalist of the page

    def __init__(
        self, *args: Any, classes: Sequence[str] | None, own_label: str | None, texts: Texts, **kwargs: Any
    ) -> None:
        """`classes` are the model's, or None if they are unknown; `own_label` is what the model answered.

        `texts` are shown for the classes that they name.
        """
        super().__init__(*args, **kwargs)
        self._own_label = own_label
        if classes is not None:
            choices = [("", "---------"), *((each, texts.get(each, each)) for each in classes if each != own_label)]
            label = self.fields["label"].label
            self.fields["label"] = forms.ChoiceField(label=label, required=False, choices=choices)

    def clean(self) -> dict[str, Any]:
        """Adds errors if verdict and label contradict each other."""
        values = super().clean() or {}
        verdict, label = values.get("verdict"), values.get("label")
        if verdict == Feedback.Verdict.CORRECT and not label and "label" not in self.errors:
            self.add_error("label", _("Choose the right class."))
        if verdict == Feedback.Verdict.AGREE and label not in {"", None, self._own_label}:
            self.add_error("label", _("Leave this empty if the model is right."))
        return values

    def submit(self, inference_id: UUID, caller: Caller) -> bool:
        """Stores a valid form. Returns whether it did; if not, the form has errors. Raises `NoSuchRecord`."""
        given = {name: value for name, value in self.cleaned_data.items() if value}
        try:
            feedback.submit(inference_id, read_request(as_json(given)), caller)
        except BadInput as exc:
            for error in exc.field_errors:
                name = error.pointer.removeprefix("/")
                self.add_error(name if name in self.fields else None, error.detail)
        except Unavailable as exc:  # whether the model has this class can't be asked now
            self.add_error("label", exc.detail)
        return not self.errors
