"""Admin pages of API tokens, of whose records a user may see, and of the access log."""

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from accounts import tokens
from accounts.access_log.admin import AccessLogAdmin
from accounts.models import AccessLog, ApiToken, Profile
from accounts.scopes import SCOPES

if TYPE_CHECKING:
    TokenAdmin = admin.ModelAdmin[ApiToken]  # generic in their stubs only
    TokenForm = forms.ModelForm[ApiToken]
    UserAdmin = admin.ModelAdmin[Profile]
else:
    TokenAdmin = UserAdmin = admin.ModelAdmin
    TokenForm = forms.ModelForm


class NewTokenForm(TokenForm):
    """What a new token is for, and how it is restricted."""

    scopes = forms.MultipleChoiceField(
        choices=[(name, name) for name in SCOPES],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None: all that the user may.",
    )

    class Meta:
        model = ApiToken
        fields = ("user", "name", "scopes", "expires_at")

    def clean_scopes(self) -> str:
        """As the table stores them."""
        return " ".join(sorted(self.cleaned_data["scopes"]))


@admin.register(ApiToken)
class ApiTokenAdmin(TokenAdmin):
    """Who has which token; makes and revokes them. The page after a new one is the only one that shows it."""

    form = NewTokenForm
    actions = ("revoke",)
    list_display = ("prefix", "user", "name", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at")
    list_select_related = ("user",)
    search_fields = ("user__username", "name", "prefix")
    ordering = ("-created_at",)
    raw_id_fields = ("user",)
    list_per_page = 50

    def get_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> Any:
        """All columns but the digest; for a new token, what the user decides."""
        if obj is not None:
            return self.list_display
        own = ("name", "scopes", "expires_at")
        return ("user", *own) if request.user.is_superuser else own

    def get_readonly_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> Any:
        """A token never changes; it can only be revoked."""
        return () if obj is None else self.list_display

    def has_change_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        """No: see the action."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        """No: a revoked token stays in the list."""
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Whether the user may revoke everybody's tokens."""
        return request.user.has_perm("accounts.change_apitoken")

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        """Revokes the selected tokens."""
        self.message_user(request, f"Revoked: {tokens.revoke(queryset)}.", messages.SUCCESS)

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        """Creates the token. Only a superuser makes tokens of other users: a token acts as its user."""
        signed_in: Any = request.user
        user = form.cleaned_data.get("user") if signed_in.is_superuser else signed_in
        given = form.cleaned_data
        row, token = tokens.create(
            user, name=given["name"], scopes=given["scopes"].split(), expires_at=given["expires_at"]
        )
        obj.__dict__.update({name: value for name, value in row.__dict__.items() if name != "_state"})
        obj._state.adding = False  # noqa: SLF001 - it is saved already
        vars(request)["new_token"] = token

    def response_add(self, request: HttpRequest, obj: ApiToken, post_url_continue: str | None = None) -> HttpResponse:
        """Shows the token, this once. Not as a message: that would be stored in the session."""
        context = {
            **self.admin_site.each_context(request),
            "title": "New API token",
            "opts": self.opts,
            "token": vars(request)["new_token"],
            "row": obj,
        }
        return TemplateResponse(request, "admin/accounts/apitoken/created.html", context)


@admin.register(Profile)
class ProfileAdmin(UserAdmin):
    """The doctors whose records a user may see."""

    list_display = ("user", "doctor_name", "acts_for")
    list_select_related = ("user",)
    search_fields = ("user__username", "doctor_name")
    raw_id_fields: ClassVar = ("user",)


admin.site.register(AccessLog, AccessLogAdmin)
