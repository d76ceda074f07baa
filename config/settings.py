"""Django's settings. Values that differ between sites come from environment variables, each with a default.

Importing this starts no server and opens no connection. `config/variables.py` lists the variables.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from config.database import database_from_url, refuse_psycopg3
from config.email import email_from_url
from config.environment import read_environment
from config.identity_providers import directory_options, oidc_options, refuse_no_way_in
from config.logs import logging_settings
from config.site import find_or_make_site
from embedded_postgres.lock import make_home
from embedded_postgres.server import Embedded, survives_power_loss

refuse_psycopg3()

BASE_DIR = Path(__file__).resolve().parent.parent
# A checkout has templates and static files beside the packages, a wheel has them in this package (pyproject.toml).
_IS_CHECKOUT = (BASE_DIR / "templates").is_dir()
_DATA = BASE_DIR if _IS_CHECKOUT else BASE_DIR / "config"
_environment = read_environment(BASE_DIR if _IS_CHECKOUT else None)
UNKNOWN_VARIABLES = _environment.unknown()


def _package_folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ImproperlyConfigured(
            f"The package {package} is not installed. Run pip install -r requirements.txt."
        )
    return Path(next(iter(spec.submodule_search_locations)))


# The home folder, which holds all data of the site, and the site's identity.

if not (_environment.is_set("COURSEKEEP_HOME") or _IS_CHECKOUT):
    raise ImproperlyConfigured(
        "COURSEKEEP_HOME is not set. "
        "Set it to the full path of a folder for the database, the archives and the keys of the site."
    )
COURSEKEEP_HOME = Path(_environment.text("COURSEKEEP_HOME") or BASE_DIR / "var").absolute()
make_home(COURSEKEEP_HOME)
_IDENTITY = ("COURSEKEEP_SITE_IDENTIFIER", "COURSEKEEP_SITE_KEY", "COURSEKEEP_SECRET_KEY")
SITE_IDENTITY_IS_SHARED = all(_environment.is_set(name) for name in _IDENTITY)
_stored = None if SITE_IDENTITY_IS_SHARED else find_or_make_site(COURSEKEEP_HOME)
SITE_IDENTIFIER = _environment.text("COURSEKEEP_SITE_IDENTIFIER") or (_stored.identifier if _stored else "")
SITE_KEY = _environment.text("COURSEKEEP_SITE_KEY") or (_stored.key if _stored else "")
FORMER_SITE_KEYS = _environment.items("COURSEKEEP_FORMER_SITE_KEYS")
SECRET_KEY = _environment.text("COURSEKEEP_SECRET_KEY") or (_stored.secret_key if _stored else "")
SITE_URL_IS_SET = _environment.is_set("SITE_URL")
SITE_URL = _environment.text("SITE_URL").rstrip("/")
SITE_NAME = _environment.text("SITE_NAME")

DEBUG = _environment.switch("COURSEKEEP_DEBUG")

# Applications.

INSTALLED_APPS = [
    "config",
    "demo",
    "transfer",
    "restore",
    "backup",
    "notices",
    "vault",
    # Before `sign_in`, which takes its device out of Django's administration.
    "django_otp",
    "django_otp.plugins.otp_totp",
    "sign_in",
    "jobs",
    "selection",
    "viewer",
    "courses",
    "audit",
    "embedded_postgres",
    "django_htmx",
    # Not AdminConfig, which imports all admin modules at the start of every command: `config/urls.py` does it for the pages.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "config.request_ids.with_request_id",
    "config.health.probes",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.middleware.headers",
    "config.bad_input.refuse_large_bodies",
    "config.bad_input.refuse_zero_bytes",
    "sign_in.attempts.throttled",
    "sign_in.gate.second_factor_first",
    "config.middleware.ErrorPages",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # A template of the site itself comes before ours: texts of e-mails are changed so.
        "DIRS": [COURSEKEEP_HOME / "templates", _DATA / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.context.site",
            ],
        },
    },
]

# People.

AUTH_USER_MODEL = "courses.User"
OIDC = oidc_options(_environment)
DIRECTORY = directory_options(_environment)
PASSWORD_SIGN_IN = _environment.switch("COURSEKEEP_PASSWORD_SIGN_IN")
refuse_no_way_in(passwords=PASSWORD_SIGN_IN, oidc=OIDC)
AUTHENTICATION_BACKENDS = ["sign_in.backends.SignInBackend", *(["sign_in.oidc.OidcBackend"] if OIDC else [])]
SECOND_FACTOR_REQUIRED = _environment.switch("COURSEKEEP_SECOND_FACTOR_REQUIRED")
SECOND_FACTOR_AFTER_OIDC = _environment.switch("COURSEKEEP_SECOND_FACTOR_AFTER_OIDC")
OTP_TOTP_ISSUER = SITE_NAME
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"

# The database: PostgreSQL at DATABASE_URL, or the embedded one, which starts at the first connection.

DATABASE_URL = _environment.text("DATABASE_URL")
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **(database_from_url(DATABASE_URL) if DATABASE_URL else Embedded(COURSEKEEP_HOME).database()),
        # An older session is closed when a page or a job begins or ends. A worker's next backups are quicker in the same one.
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Files. COURSEKEEP_STORAGES, a JSON object of storage aliases, replaces any of these, so that machines can
# share.


def _folder(name: str, **options: Any) -> dict[str, Any]:
    return {
        "BACKEND": "courses.local_storage.LocalStorage",
        "OPTIONS": {
            "location": str(COURSEKEEP_HOME / name),
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
            "fsync": survives_power_loss(),
            **options,
        },
    }


# Temporary files: those of jobs, and uploads until they are stored. On the disk of the archives they are moved, not copied.
COURSEKEEP_SPOOL = _environment.text("COURSEKEEP_SPOOL") or str(COURSEKEEP_HOME / "spool")
Path(COURSEKEEP_SPOOL).mkdir(mode=0o700, parents=True, exist_ok=True)
FILE_UPLOAD_TEMP_DIR = COURSEKEEP_SPOOL
COURSEKEEP_STORAGE_THREADS = _environment.value("COURSEKEEP_STORAGE_THREADS")

STORAGES: dict[str, Any] = {
    "default": _folder("uploads"),
    "archives": _folder("archives"),
    "pool": _folder("files", allow_overwrite=True),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    **_environment.value("COURSEKEEP_STORAGES"),
}
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
# A course with thousands of activities has two form fields for each on one page.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 50_000

STATIC_URL = "/static/"
STATIC_ROOT = COURSEKEEP_HOME / "static"
STATIC_ROOT.mkdir(mode=0o700, exist_ok=True)
STATICFILES_DIRS: list[Any] = [_DATA / "static", ("bootstrap", _package_folder("bootstrap"))]
# Static files are served from their packages, so that no collectstatic is needed.
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 0 if DEBUG else 3600

# The queue: the job's row holds its state, a message only names the row.

COURSEKEEP_QUEUE_APP = "config.celery"
REDIS_URL = _environment.text("REDIS_URL")
_QUEUE = COURSEKEEP_HOME / "queue"
for _folder_of_queue in (_QUEUE, _QUEUE / "messages", _QUEUE / "control"):
    _folder_of_queue.mkdir(mode=0o700, exist_ok=True)
CELERY_BROKER_URL = REDIS_URL or "filesystem://localhost"
QUEUE_OF_FILES: dict[str, Any] = {
    "data_folder_in": str(_QUEUE / "messages"),
    "data_folder_out": str(_QUEUE / "messages"),
    "control_folder": str(_QUEUE / "control"),
    "polling_interval": 0.2,
}
# Seconds after which a Redis that does not answer is an error: a page or a job's end does not wait for it for minutes.
QUEUE_OF_REDIS: dict[str, Any] = {"socket_connect_timeout": 5, "socket_timeout": 15, "socket_keepalive": True}
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = QUEUE_OF_REDIS if REDIS_URL else QUEUE_OF_FILES
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Tasks go on with the session of the database: it is closed before a task when it is too old or broken (`config/celery.py`).
CELERY_DB_REUSE_MAX = 1_000_000
# A process that has grown larger (in KiB) is replaced when its job has ended.
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 512 * 1024
# A worker that ends does not wait long for results of a process that is gone: there are none.
CELERY_WORKER_LOST_WAIT = 1.0
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE_FILENAME = str(_QUEUE / "beat")

# Seconds and memory of jobs, and time limits in the database, as `jobs/` and `config/timeouts.py` ask for them.

COURSEKEEP_JOB_HEARTBEAT_SECONDS: float = _environment.value("COURSEKEEP_JOB_HEARTBEAT_SECONDS")
COURSEKEEP_JOB_STALE_SECONDS: float = _environment.value("COURSEKEEP_JOB_STALE_SECONDS")
COURSEKEEP_JOB_STUCK_SECONDS: float = _environment.value("COURSEKEEP_JOB_STUCK_SECONDS")
COURSEKEEP_JOB_NOTIFY_SECONDS: float = _environment.value("COURSEKEEP_JOB_NOTIFY_SECONDS")
COURSEKEEP_JOB_MEMORY_MB: int = _environment.value("COURSEKEEP_JOB_MEMORY_MB")
COURSEKEEP_WEB_STATEMENT_SECONDS: float = _environment.value("COURSEKEEP_WEB_STATEMENT_SECONDS")
COURSEKEEP_WEB_LOCK_SECONDS: float = _environment.value("COURSEKEEP_WEB_LOCK_SECONDS")
COURSEKEEP_JOB_STATEMENT_SECONDS: float = _environment.value("COURSEKEEP_JOB_STATEMENT_SECONDS")
COURSEKEEP_JOB_LOCK_SECONDS: float = _environment.value("COURSEKEEP_JOB_LOCK_SECONDS")
COURSEKEEP_HOUSEKEEPING_STATEMENT_SECONDS: float = _environment.value(
    "COURSEKEEP_HOUSEKEEPING_STATEMENT_SECONDS"
)
COURSEKEEP_HOUSEKEEPING_LOCK_SECONDS: float = _environment.value("COURSEKEEP_HOUSEKEEPING_LOCK_SECONDS")

# E-mail: notices, and links to set a password. Without COURSEKEEP_EMAIL_URL none is sent.

EMAIL_IS_SET = _environment.is_set("COURSEKEEP_EMAIL_URL")
globals().update(email_from_url(_environment.text("COURSEKEEP_EMAIL_URL")))
DEFAULT_FROM_EMAIL = (
    _environment.text("COURSEKEEP_EMAIL_FROM") or f"coursekeep@{urlsplit(SITE_URL).hostname or 'localhost'}"
)
ADMINISTRATOR_ADDRESSES = _environment.items("COURSEKEEP_ADMINISTRATOR_ADDRESSES")

# Time and language.

USE_TZ = True
TIME_ZONE = _environment.text("COURSEKEEP_TIME_ZONE")
USE_I18N = True
LANGUAGE_CODE = "en"

# Security. Settings that need TLS follow the scheme of SITE_URL.

_site = urlsplit(SITE_URL)
_secure = _site.scheme == "https"
ALLOWED_HOSTS = _environment.items("COURSEKEEP_HOSTS") or [
    _site.hostname or "localhost",
    "localhost",
    "127.0.0.1",
    "[::1]",
]
CSRF_TRUSTED_ORIGINS = [f"{_site.scheme}://{_site.netloc}"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _secure
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# Only behind a proxy that sets the headers itself; otherwise anybody could claim TLS or another address.
BEHIND_PROXY = _environment.switch("COURSEKEEP_BEHIND_PROXY")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
# Without the proxy's word no request is known to have come by TLS, and a redirect would go round in circles.
SECURE_SSL_REDIRECT = _secure and _environment.switch("COURSEKEEP_SSL_REDIRECT", default=BEHIND_PROXY)
SECURE_HSTS_SECONDS = _environment.value("COURSEKEEP_HSTS_SECONDS") if _secure else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Other names of the domain are not this site's to decide about (W005, W021). A proxy that does not say how a request came
# redirects itself (W008). A site that only this machine can reach needs no TLS (W004, W008, W012, W016).
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
if _secure and not BEHIND_PROXY:
    SILENCED_SYSTEM_CHECKS += ["security.W008"]
elif _site.hostname in {"localhost", "127.0.0.1", "::1"}:
    SILENCED_SYSTEM_CHECKS += ["security.W004", "security.W008", "security.W012", "security.W016"]

# Log: to standard error. Faults of the program are reported as well where a DSN is set (`config/error_reports.py`).

LOGGING = logging_settings(
    level=_environment.text("COURSEKEEP_LOG_LEVEL"), form=_environment.value("COURSEKEEP_LOG_FORMAT")
)
SENTRY_DSN = _environment.text("COURSEKEEP_SENTRY_DSN")

# Monitoring: `/metrics` is closed to everybody but administrators, unless one of these opens it.

METRICS_TOKEN = _environment.text("COURSEKEEP_METRICS_TOKEN")
METRICS_ADDRESSES = _environment.value("COURSEKEEP_METRICS_ADDRESSES")
