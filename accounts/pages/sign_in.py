"""`/accounts/login/`, `/accounts/logout/`, and signing in on one's own machine with one click."""

from typing import Any

from django.conf import settings
from django.contrib import auth
from django.contrib.auth import views
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.generic import View

from accounts import local_admin, session_info
from accounts.exceptions import LockedOut, TooManyChecks
from common.exceptions import UnknownPath
from common.page_language import in_callers_language
from common.request_body import require_method


class OnlyMethods:
    """Answers other methods as the rest of the gateway does."""

    methods: tuple[str, ...] = ()

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Raises `WrongMethod`."""
        require_method(request, *self.methods)
        raise AssertionError(request.method)


@method_decorator(in_callers_language, name="dispatch")
class SignIn(OnlyMethods, views.LoginView):
    """Takes a name and a password. The admin's sign-in page is this one too."""

    methods = ("GET", "HEAD", "POST")
    http_method_names = ("get", "head", "post")
    template_name = "accounts/login.html"

    @property
    def redirect_authenticated_user(self) -> bool:  # type: ignore[override] # an attribute in Django
        """Whether somebody who is signed in goes on to the page that was asked for, because it is open to them."""
        is_loop = self.get_success_url() == self.request.path
        return self.request.method != "POST" and not (is_loop or self._is_closed())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Signs in, or shows the page again with what went wrong."""
        try:
            return super().post(request, *args, **kwargs)
        except (LockedOut, TooManyChecks) as exc:
            form = self.form_class(request)
            response = self.render_to_response(self.get_context_data(form=form, refused=exc.detail))
            response.status_code = exc.status
            response["Retry-After"] = exc.headers["Retry-After"]
            return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Adds the other ways to sign in."""
        return super().get_context_data(
            **kwargs,
            contact=gettext(settings.SIGN_IN_CONTACT),
            provider=gettext(settings.OIDC_NAME) if settings.OIDC_ISSUER else "",
            one_click=local_admin.for_one_click(self.request),
            not_staff=self.request.user.get_username() if self._is_closed() else "",
        )

    def _is_closed(self) -> bool:
        """Whether the page that was asked for is the admin's, and this user may not open it."""
        user = self.request.user
        return user.is_authenticated and not user.is_staff and self.get_success_url().startswith(reverse("admin:index"))


@method_decorator(never_cache, name="dispatch")
class OneClick(OnlyMethods, views.RedirectURLMixin, View):
    """Signs in as the generated administrator of one's own machine."""

    methods = ("POST",)
    http_method_names = ("post",)
    next_page = settings.LOGIN_REDIRECT_URL

    def post(self, request: HttpRequest) -> HttpResponse:
        """Redirects. Raises `UnknownPath` wherever a password is needed."""
        user = local_admin.for_one_click(request)
        if user is None:
            raise UnknownPath("There is nothing here.")
        auth.login(request, user)
        session_info.set_method(request, session_info.ONE_CLICK)
        return HttpResponseRedirect(self.get_success_url())


@method_decorator(in_callers_language, name="dispatch")
class SignOut(OnlyMethods, views.LogoutView):
    """Ends the session on the server."""

    methods = ("POST",)
    http_method_names = ("post",)
    template_name = "accounts/signed_out.html"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Redirects to the sign-in page. Who came from the identity provider gets a page with a link to its sign-out.

        A redirect there would break the content security policy, because a form may post to this origin only.
        """
        end_session = session_info.end_session_url(request)
        response = super().post(request, *args, **kwargs)
        if not end_session:
            return response
        context = {"end_session": end_session, "provider": gettext(settings.OIDC_NAME)}
        return render(request, self.template_name, context)

    def get_success_url(self) -> str:
        """The page to go to."""
        return self.get_redirect_url() or resolve_url(settings.LOGOUT_REDIRECT_URL)
