"""`/`: where to go from here."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from ml_proxy.views.parsing import require_method


def home(request: HttpRequest) -> HttpResponse:
    """The console: try a prediction, look history up, find the other doors."""
    require_method(request, "GET", "HEAD")
    return render(request, "ml_proxy/home.html")
