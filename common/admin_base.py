"""Admin pages, most of them read-only, as fast with millions of rows as with ten.

Every list is one range of an index: no count, no offset, no ordering or look-up chosen by the visitor.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR, SEARCH_VAR, ChangeList
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Field, Model, QuerySet, TextField
from django.db.models.functions import Substr
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from common import access, encryption, person_names
from common.json_format import indented
from common.keyset import below

READ_CHARS = 64 * 1024  # of a payload that a page reads
SHOWN_CHARS = 256 * 1024  # of a payload that a page shows, indentation included

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]  # generic in its stubs only
else:
    ModelAdmin = admin.ModelAdmin


class Within(admin.SimpleListFilter):
    """The last hour, day, … by the time of the prediction. One end of an index range, so nothing is counted."""

    title = "time of prediction"
    parameter_name = "within"
    spans: ClassVar = {
        "hour": timedelta(hours=1),
        "day": timedelta(days=1),
        "week": timedelta(weeks=1),
        "month": timedelta(days=30),
        "year": timedelta(days=365),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        """The options."""
        return [(span, f"Last {span}") for span in self.spans]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the chosen period."""
        since = self.since(request)
        return queryset.filter(predicted_at__gte=since) if since else queryset

    @classmethod
    def since(cls, request: HttpRequest) -> datetime | None:
        """The start of the chosen period."""
        span = cls.spans.get(request.GET.get(cls.parameter_name, ""))
        return datetime.now(UTC) - span if span else None


class NewestFirst(ChangeList):
    """A keyset-paged list, in the one order that has an index."""

    model_admin: "KeysetList"
    search_var = SEARCH_VAR  # for the template

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """The model admin's ordering, whatever the URL says."""
        return list(self.model_admin.get_ordering(request))

    def get_results(self, request: HttpRequest) -> None:
        """Reads one page and one more row."""
        rows = list(self.model_admin.go_on(request, self.queryset)[: self.list_per_page + 1])
        self.result_list = rows[: self.list_per_page]
        self.result_count = self.full_result_count = len(self.result_list)
        self.show_full_result_count = False
        self.show_admin_actions = bool(self.model_admin.actions)
        self.can_show_all = self.multi_page = False
        self.paginator = Paginator(self.result_list, self.list_per_page)
        self.newest_url = self.get_query_string() if PAGE_VAR in request.GET else ""
        self.older_url = ""
        if len(rows) > self.list_per_page:
            self.older_url = self.get_query_string({PAGE_VAR: self.model_admin.cursor_of(rows[-2])})


class KeysetList(ModelAdmin):
    """An admin whose list is keyset-paged."""

    actions: Any = None
    change_list_template = "admin/keyset_change_list.html"
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    ordering: ClassVar[tuple[str, ...]] = ("-id",)  # the first column must be unique, or cursors be overridden
    parameters: ClassVar[tuple[str, ...]] = ()  # look-ups of the filters

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The keyset-paged list."""
        return NewestFirst

    def go_on(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows after the cursor in the URL; all rows without a cursor."""
        place = self.place_of(request)
        return rows.filter(below(**place)) if place else rows

    def place_of(self, request: HttpRequest) -> dict[str, Any] | None:
        """The cursor in the URL as columns and values. Raises `IncorrectLookupParameters`."""
        cursor = request.GET.get(PAGE_VAR)
        try:
            return self.read_cursor(cursor) if cursor else None
        except (ValueError, ValidationError) as exc:
            raise IncorrectLookupParameters from exc

    def read_cursor(self, cursor: str) -> dict[str, Any]:
        """The columns and values that `cursor_of` wrote. Raises `ValueError` or `ValidationError`."""
        column: Any = self.opts.get_field(self._key)
        return {self._key: column.to_python(cursor)}

    def cursor_of(self, row: Any) -> str:
        """The cursor of a row, for a URL."""
        return str(getattr(row, self._key))

    @property
    def _key(self) -> str:
        return self.ordering[0].removeprefix("-")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Only the look-ups of the filters, because any other would read the whole table."""
        return lookup in self.parameters


class ReadOnly(KeysetList):
    """An admin that cannot add, change or delete rows."""

    noun: ClassVar[str] = ""  # what a row is called in the access log; default: the model's name
    payloads: ClassVar[tuple[str, ...]] = ()  # large columns: only the page of one row reads them, and only in part

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The list, noted in the access log."""
        response = super().changelist_view(request, extra_context)
        if shown := (getattr(response, "context_data", None) or {}).get("cl"):  # a page about a wrong query has none
            self._note(request, "list", shown.result_list, request.GET.dict())
        return response

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        """The page of one row, noted in the access log."""
        response = super().change_view(request, object_id, form_url, extra_context)
        if row := (getattr(response, "context_data", None) or {}).get("original"):
            self._note(request, "read", [row], {"id": object_id})
        return response

    def _note(self, request: HttpRequest, verb: str, rows: Sequence[Any], filters: Mapping[str, Any]) -> None:
        noun = self.noun or str(self.opts.model_name)
        named = access.subjects_of(self.people(rows, is_list=verb == "list"))
        searched = self.searched(filters.get(SEARCH_VAR, ""))
        access.note(
            request,
            f"{noun}.{verb}",
            rows=len(rows),
            patients=(*searched, *named.patients),
            doctors=(*searched, *named.doctors),
            filters=filters,
        )

    def searched(self, term: str) -> Sequence[str]:
        """Whom a search asks for, who is noted even if nothing is found: the page can't tell patients from doctors."""
        if not self.search_fields or not term.strip() or _is_id(term):
            return []
        try:
            return [person_names.canonical(term)]
        except person_names.BadName:
            return []

    def people(self, rows: Sequence[Any], *, is_list: bool) -> Iterable[Any]:
        """Whom the list, or the page of one row, is about: objects with `patient_name` and `doctor_name`."""
        return rows

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows without payloads."""
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.defer(*self.payloads)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The row. Raises `Http404` for one that does not exist, or that the user may not see."""
        found = super().get_object(request, object_id, from_field)
        if found is None:
            raise Http404
        return found

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """All fields."""
        return self.fields or ()

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """No."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """No."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """No."""
        return False


def _is_id(term: str) -> bool:
    try:
        UUID(term.strip())
    except ValueError:
        return False
    return True


def payload(row: Model, column: str, kind: "Field[Any, Any] | None" = None) -> SafeString:
    """The beginning of a payload, indented; the rest is not read from the database, unless it is encrypted."""
    rows: QuerySet[Any] = type(row)._default_manager.filter(pk=row.pk)  # noqa: SLF001 - documented
    beginning = Substr(column, 1, READ_CHARS + 1, output_field=kind or TextField())
    found = rows.values_list(beginning, flat=True).first()
    if found and found[:1] in {encryption.MARK, encryption.MARK.encode()}:
        found = rows.values_list(column, flat=True).first()  # only the whole of it can be decrypted
    if found is None:
        return format_html("{}", "-")
    text = found if isinstance(found, str) else bytes(found).decode("utf-8", "replace")
    shown, is_all = indented(text[:READ_CHARS], SHOWN_CHARS)
    if is_all and len(text) <= READ_CHARS:
        return format_html("<pre>{}</pre>", shown)
    return format_html("<pre>{} …</pre><p>This is the beginning; the rest is too long for a page.</p>", shown)
