"""The catalogue of products in the admin: a list with a search, pages to edit, and the import of a CSV file."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from common.admin_base import KeysetList
from imaging.models import CatalogueProduct
from imaging.products import COLUMNS, importing, index
from imaging.products.csv_files import ENCODINGS, FileRefused

FOUND = 200  # products that a search shows
MOST_ROWS = 2000  # of a file: a page must not take longer than some seconds


class ImportForm(forms.Form):
    """A CSV file."""

    file = forms.FileField(help_text=f"A CSV file with the columns {', '.join(COLUMNS)}, up to {MOST_ROWS:,} products.")
    encoding = forms.ChoiceField(choices=[(name, name) for name in ENCODINGS])


@admin.register(CatalogueProduct)
class CatalogueProductAdmin(KeysetList):
    """Products that desk photos recommend."""

    change_list_template = "admin/imaging/catalogueproduct/change_list.html"
    list_display = ("name", "price", "purchase_place", "main_category", "sub_category", "updated_at")
    search_fields: ClassVar = ("name",)  # shows the field; `get_search_results` searches
    search_help_text = "In Korean or English. The newest of the 200 best products are shown first."

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """The products that the search of desk photos finds."""
        if not search_term.strip():
            return queryset, False
        return queryset.filter(pk__in=[product.pk for product in index.search(search_term, FOUND)]), False

    def save_model(self, request: HttpRequest, obj: CatalogueProduct, form: Any, change: bool) -> None:
        """Saves it, with its search terms."""
        super().save_model(request, obj, form, change)
        index.update([obj])

    def get_urls(self) -> list[URLPattern]:
        """The pages of the admin, and the import."""
        view = self.admin_site.admin_view(self.import_view)
        return [path("import/", view, name="imaging_catalogueproduct_import"), *super().get_urls()]

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Imports a CSV file, or shows its errors by line."""
        if not (self.has_add_permission(request) and self.has_change_permission(request)):
            raise PermissionDenied
        form = ImportForm(request.POST, request.FILES) if request.method == "POST" else ImportForm()
        faults: list[str] = []
        if form.is_bound and form.is_valid():
            try:
                return self._imported(request, form)
            except FileRefused as exc:
                faults = [exc.detail, *(f"{error.pointer}: {error.detail}" for error in exc.field_errors)]
        context = {**self.admin_site.each_context(request), "title": "Import products", "form": form, "faults": faults}
        return TemplateResponse(request, "admin/imaging/catalogueproduct/import.html", context)

    def _imported(self, request: HttpRequest, form: ImportForm) -> HttpResponse:
        """Raises `FileRefused`."""
        file, encoding = form.cleaned_data["file"].file, form.cleaned_data["encoding"]
        importing.check(file, encoding, MOST_ROWS)
        done = importing.write(file, encoding)
        messages.success(request, f"{done.new:,} new products, {done.replaced:,} replaced.")
        return HttpResponseRedirect(reverse("admin:imaging_catalogueproduct_changelist"))
