"""The errors that a page shows for its query."""

from accounts.pages.query_errors import shown_errors
from common.exceptions import BadInput, FieldError


def test_a_field_has_its_label_and_another_one_its_name() -> None:
    error = BadInput("no", field_errors=[FieldError("since", "is late"), FieldError("x", "is unknown")])
    assert [(str(each["label"]), each["detail"]) for each in shown_errors(error)] == [
        ("From", "is late"),
        ("x", "is unknown"),
    ]


def test_an_error_of_no_field_is_shown_too() -> None:
    assert shown_errors(BadInput("The query can't be read.")) == [{"label": "", "detail": "The query can't be read."}]
