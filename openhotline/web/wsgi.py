"""The one entry of every web process: `gunicorn openhotline.web.wsgi:application`.

OPENHOTLINE_DOOR says which door this process is (public, desk or portal) and so which addresses it knows.
Whatever the server noted of where a request came from is removed here, before Django's first line.
"""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openhotline.django_settings")

from django.core.wsgi import get_wsgi_application

from openhotline.settings import load
from openhotline.web.headers import blind

_django = get_wsgi_application()
if load().door == "public":
    from openhotline.web.public.first import first

    _django = first(_django)
application = blind(_django, door=load().door)
