"""Django's settings, derived from `settings.Settings`. Nothing is decided here that a person may set.

SQLite runs WAL, synchronous=FULL and IMMEDIATE transactions: an acknowledged report survives power
loss (security.md decision 6). The worker, desk and portal each get the least their door needs:
installed apps are the same, URL tables are not.
"""

import secrets
from pathlib import Path
from urllib.parse import unquote, urlparse

from openhotline.settings import load

HOUSE = load()

BASE = Path(__file__).resolve().parent


def _secret() -> str:
    """The house's Django secret: a file made at creation; a throw-away one where no house exists yet."""
    file = HOUSE.keys / "django.secret"
    if file.exists():
        return file.read_text().strip()
    return secrets.token_urlsafe(48)


def _database() -> dict[str, object]:
    url = HOUSE.database_url
    if HOUSE.postgres:
        parts = urlparse(url)
        options: dict[str, object] = {"application_name": f"openhotline-{HOUSE.door}"}
        host = parts.hostname or ""
        query = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": parts.path.lstrip("/"),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": unquote(query.get("host", host)),
            "PORT": parts.port or query.get("port", ""),
            "CONN_MAX_AGE": 600,
            "OPTIONS": options,
        }
    name = url.removeprefix("sqlite:///") if url else str(HOUSE.data_dir / "house.sqlite3")
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": name,
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
        },
        # Test databases live in a file too: WAL, locks and triggers as in a real house.
        "TEST": {"NAME": str(HOUSE.data_dir / "test.sqlite3")},
    }


SECRET_KEY = _secret()
DEBUG = False
ALLOWED_HOSTS = (
    ["*"]
    if HOUSE.is_demo
    else [
        host
        for host in {
            urlparse(HOUSE.public_url).hostname,
            urlparse(HOUSE.portal_url).hostname,
            urlparse(HOUSE.desk_url).hostname,
            "127.0.0.1",
            "localhost",
        }
        if host
    ]
)

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "django_htmx",
    "axes",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "openhotline.ledger",
    "openhotline.records",
    "openhotline.outbox",
    "openhotline.web",
    "openhotline.management",
]

AUTH_USER_MODEL = "records.User"
DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"
USE_I18N = True

_URLS = {
    "public": "openhotline.web.public.urls",
    "desk": "openhotline.web.desk.urls",
    "portal": "openhotline.web.portal.urls",
}
ROOT_URLCONF = _URLS.get(HOUSE.door, "openhotline.web.urls")

_COMMON_FIRST = [
    "openhotline.web.headers.Headers",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "openhotline.web.slashes.Slashes",
    "openhotline.web.back.Back",
]
MIDDLEWARE = [
    *_COMMON_FIRST,
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "openhotline.web.doors.Door",
    "openhotline.web.unkept.Unkept",
    "axes.middleware.AxesMiddleware",
]
if HOUSE.door == "public":
    # No session, no cookie, no login: the public form is its own process (security.md 3f).
    MIDDLEWARE = [*_COMMON_FIRST, "django.middleware.common.CommonMiddleware"]
    # Nor the apps that sign people in; allauth would not even start without its middleware.
    INSTALLED_APPS = [app for app in INSTALLED_APPS if not app.startswith(("allauth", "axes"))]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE / "web" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "openhotline.web.context.house",
            ]
            if HOUSE.door != "public"
            else ["django.template.context_processors.request", "openhotline.web.context.house"],
        },
    }
]

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE / "web" / "static"]
STATIC_ROOT = HOUSE.data_dir / "static"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_ADAPTER = "openhotline.web.accounts.Adapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "/sign-in/"
ACCOUNT_RATE_LIMITS = False  # django-axes counts failures per account; no address is ever kept
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = HOUSE.hotline_name
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = ["username"]
AXES_ENABLE_ACCESS_FAILURE_LOG = False
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
SESSION_COOKIE_NAME = f"openhotline_{HOUSE.door}"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 10 * 3600
CSRF_COOKIE_NAME = f"openhotline_csrf_{HOUSE.door}"
CSRF_COOKIE_HTTPONLY = True
_BASE = HOUSE.desk_url if HOUSE.door == "desk" else HOUSE.portal_url
if not HOUSE.is_demo and _BASE.startswith("https://"):
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

# Lock-out is per account on purpose: no address is ever kept (security.md 3f).
SILENCED_SYSTEM_CHECKS = ["axes.W006"]

DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
# What partners and units hand in stays in memory: no disk holds it unsealed. A larger one is not read at all.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024
APPEND_SLASH = False

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{levelname} {name} {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "axes": {"level": "ERROR"},
        "django.request": {"level": "ERROR"},
        # Whoever tries names at a door gets 400; a stack trace for each would fill the log with a stranger's words.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
    },
}
