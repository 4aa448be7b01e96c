"""The peer of form.py: the least that Django and gunicorn do to keep one row durably. A program, not a house.

One model-less table, one view: take two fields, INSERT, COMMIT, 303. No session, no middleware beyond Django's
common one; a persistent connection to PostgreSQL for each thread. Its database comes by PEER_DATABASE (the parts
of a PostgreSQL address).
"""

import os
from urllib.parse import urlparse

from django.conf import settings

_parts = urlparse(os.environ["PEER_DATABASE"])
settings.configure(
    SECRET_KEY="a benchmark's own, it guards nothing",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    USE_TZ=True,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": _parts.path.lstrip("/"),
            "USER": _parts.username,
            "PASSWORD": _parts.password,
            "HOST": _parts.hostname,
            "PORT": _parts.port,
            "CONN_MAX_AGE": None,
        }
    },
)

import django  # noqa: E402

django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connection  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.urls import path  # noqa: E402


def keep(request: HttpRequest) -> HttpResponse:
    """One durable row, then a redirect."""
    with connection.cursor() as cursor:  # autocommit: the INSERT is its own transaction
        cursor.execute(
            "INSERT INTO form_row (url, note) VALUES (%s, %s)",
            [request.POST.get("url", ""), request.POST.get("help", "")],
        )
    return HttpResponse(status=303, headers={"Location": "/thanks"})


urlpatterns = [path("", keep)]
application = get_wsgi_application()
