"""An address typed with a slash too many, or one too few, leads to the page that was meant.

True here: a page has one address. The other spelling answers nothing itself; it sends a reader (GET, HEAD)
on to the one there is, and a press (POST) finds nothing, as before. Django does the half of this that adds a
slash (`APPEND_SLASH`); we need both, since the pages of signing in end in one and ours do not.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.urls import is_valid_path
from django.utils.encoding import escape_uri_path
from django.utils.http import escape_leading_slashes


class Slashes:
    """Middleware: looks only at what was not found, so a page that is there costs nothing more."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != 404 or request.method not in ("GET", "HEAD"):
            return response
        path = request.path_info
        meant = path[:-1] if path.endswith("/") else f"{path}/"
        if is_valid_path(path) or not is_valid_path(meant):
            return response
        query = request.META.get("QUERY_STRING", "")
        return HttpResponsePermanentRedirect(
            escape_leading_slashes(escape_uri_path(meant)) + (f"?{query}" if query else "")
        )
