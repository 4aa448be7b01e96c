"""The one entry of every web process: `gunicorn openhotline.web.wsgi:application`.

OPENHOTLINE_DOOR says which door this process is (public, desk or portal) and so which addresses it knows.
Whatever the server noted of where a request came from is removed here, before Django's first line, and a body that
came in chunks is given its length.
"""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openhotline.django_settings")

from django.core.wsgi import get_wsgi_application

from openhotline.settings import load
from openhotline.web.bodies import whole
from openhotline.web.headers import blind

_most = 10 * 1024 * 1024  # bytes in chunks: a partner's file
_django = get_wsgi_application()
if load().door == "public":
    from openhotline.web.public.first import first
    from openhotline.web.public.forms import LARGEST

    _django, _most = first(_django), LARGEST
application = blind(whole(_django, most=_most), door=load().door)
