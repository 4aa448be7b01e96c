"""An address that only takes a press, opened in a browser, leads to the page the press was on.

True here: where a refusal is shown, the browser stands at the address of the press; who reloads it by the address bar, or
comes back to it from the history, is led up the path to the first page there is, and nothing is done. A program, which
asks for no HTML, gets its 405. What is not here: a slash too many (`slashes`).
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import is_valid_path
from django.utils.encoding import escape_uri_path
from django.utils.http import escape_leading_slashes


class Back:
    """Middleware: looks only at what took no reading (405)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != 405 or request.method != "GET" or request.path_info == "/":
            return response
        if "text/html" not in request.headers.get("Accept", ""):
            return response
        path = request.path_info
        while path != "/":
            path = path.rstrip("/").rpartition("/")[0] or "/"
            if is_valid_path(path):
                break
        return HttpResponseRedirect(escape_leading_slashes(escape_uri_path(path)))
