"""The one entry of every web process: `gunicorn -k openhotline.web.server.Worker openhotline.web.asgi:application`.

OPENHOTLINE_DOOR says which door this process is (public, desk or portal) and so which addresses it knows. Requests
arrive in one event loop, where slow senders cost a few bytes and not a thread; pages are made by Django in threads.
Whatever the server noted of where a request came from is removed before Django's first line.
"""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openhotline.django_settings")

from django.core.wsgi import get_wsgi_application

from openhotline.rules.incoming import MOST_OF_A_FILE
from openhotline.settings import load
from openhotline.web.bodies import Whole
from openhotline.web.headers import blind
from openhotline.web.threads import Threads

_answer = Threads(blind(get_wsgi_application(), door=load().door))
if load().door == "public":
    from openhotline.web.public.first import First
    from openhotline.web.public.forms import LARGEST

    application = Whole(First(_answer), most=LARGEST)
else:
    application = Whole(_answer, most=MOST_OF_A_FILE)
