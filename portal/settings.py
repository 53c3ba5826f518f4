"""Settings of every stage; the only reader of the environment. docs/settings.md documents each variable."""

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.utils.translation import gettext_lazy as _

from portal import desk
from portal import environment as shape
from portal.conf import ServerSettings
from waybills.conf import ApiSettings, JsonpSettings, PushSettings, SealSettings
from wechat.conf import WechatSettings

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"
VAR_DIR.mkdir(exist_ok=True)

environ.Env.read_env(os.environ.get("PORTAL_ENV_FILE", BASE_DIR / ".env"))
_env = shape.EnvironmentReader(os.environ)
_NO_WORDS: tuple[str, ...] = ()
_NO_NETWORKS: tuple[shape.Network, ...] = ()

# --- The process -----------------------------------------------------------------------------------------------------

DEBUG = _env.read("DJANGO_DEBUG", shape.boolean, False, "0 or 1")
TESTING = "pytest" in sys.modules
_LENIENT = DEBUG or TESTING
"""Debug and tests run without keys of their own; production does not start without them."""
_STAND_IN_SECRET = "debug-" + "0" * 60

SURFACE = _env.read("PORTAL_SURFACE", shape.choice("all", "edge", "ops"), "all", "all, edge or ops")
HTTPS = _env.read("PORTAL_HTTPS", shape.boolean, True, "0 or 1")
ALLOWED_HOSTS = list(_env.read("DJANGO_ALLOWED_HOSTS", shape.words, _NO_WORDS, "host names, comma-separated"))
CSRF_TRUSTED_ORIGINS = list(
    _env.read("DJANGO_CSRF_TRUSTED_ORIGINS", shape.words, _NO_WORDS, "origins with scheme, comma-separated")
)
SERVER = ServerSettings(
    bind=_env.read("BIND", shape.address, "127.0.0.1", "the IP address to listen on"),
    port=_env.read("PORT", shape.port, 8000, "a port"),
    processes=_env.read("PROCESSES", shape.positive_number, os.cpu_count() or 1, "how many web processes"),
    threads=_env.read("THREADS", shape.positive_number, 4, "how many threads in each web process"),
)
DEMO_PASSWORD = _env.read(
    "DEMO_PASSWORD", shape.pattern(r".{8,128}", "8 characters or more"), "", "8 characters or more"
)
SANDBOX_PORT = _env.read("SANDBOX_PORT", shape.port, 8001, "a port")
SANDBOX_URL = _env.read("SANDBOX_URL", shape.relay_url, "", "the sandbox's address")
TRUSTED_PROXIES = _env.read("TRUSTED_PROXIES", shape.networks, _NO_NETWORKS, "networks such as 10.0.0.0/8")

if _LENIENT:
    SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY") or _STAND_IN_SECRET
else:
    SECRET_KEY = _env.require(
        "DJANGO_SECRET_KEY",
        shape.pattern(r".{50,}", "at least 50 characters"),
        _STAND_IN_SECRET,
        "at least 50 random characters",
        'Set it to the output of: python3 -c "import secrets; print(secrets.token_urlsafe(50))"',
    )

# --- What is stored, and its keys ------------------------------------------------------------------------------------


def _database(url: str) -> dict[str, Any]:
    config: dict[str, Any] = dict(environ.Env.db_url_config(url))
    is_web = os.environ.get("PORTAL_ROLE") == "web"
    if config.get("ENGINE") not in {"django.db.backends.sqlite3", "django.db.backends.postgresql"}:
        raise ValueError("neither sqlite:/// nor postgres://")
    if config["ENGINE"].endswith("sqlite3"):
        if not Path(config["NAME"]).is_absolute():
            config["NAME"] = str(BASE_DIR / config["NAME"])
        # IMMEDIATE: a transaction that reads before it writes would otherwise fail at the first write under
        # contention. A file for the tests: a database in memory has neither WAL nor a second process.
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 5 if is_web else 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY",
        }
        config["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
    else:
        # Django's default is never; this is: where the code asks for it, and nowhere by itself.
        options = config.setdefault("OPTIONS", {})
        options.setdefault("prepare_threshold", 1_000_000)
        if is_web:
            # Who asks gave up before: WeChat waits 5 s. A thread that waits longer is one too few for the others.
            limits = "-c lock_timeout=5s -c statement_timeout=15s"
            options["options"] = f"{limits} {options.get('options', '')}".strip()
    # Persistent, and never probed: a request repeats its read where a connection has died (docs/architecture.md).
    config["CONN_MAX_AGE"] = None
    config["ATOMIC_REQUESTS"] = False
    return config


DATABASES = {
    "default": _env.read(
        "DATABASE_URL",
        _database,
        _database(f"sqlite:///{VAR_DIR / 'portal.sqlite3'}"),
        "sqlite:///path or postgres://user:password@host:5432/name",
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


CACHES = {
    "default": _env.read(
        "CACHE_URL", shape.cache, shape.cache("locmemcache://portal"), "locmemcache:// or redis://host:6379/1"
    ),
    # Where the other does not answer: `waybills.counters`.
    "own": shape.cache("locmemcache://own"),
}

_STAND_IN_KEY = b"portal, debug only: not a secret"
_KEY_RECIPE = 'Make one with: python3 -c "import base64, os; print(base64.b64encode(os.urandom(32)).decode())"'
_KEYS_SHAPE = "32 bytes in base64"
if _LENIENT:
    SEAL = SealSettings(
        keys=_env.read("PII_KEYS", shape.keys_of_32_bytes, (_STAND_IN_KEY,), _KEYS_SHAPE + ", comma-separated"),
        index_key=_env.read("PII_INDEX_KEY", shape.key_of_32_bytes, _STAND_IN_KEY[::-1], _KEYS_SHAPE),
    )
else:
    SEAL = SealSettings(
        keys=_env.require(
            "PII_KEYS", shape.keys_of_32_bytes, (_STAND_IN_KEY,), _KEYS_SHAPE + ", comma-separated", _KEY_RECIPE
        ),
        index_key=_env.require("PII_INDEX_KEY", shape.key_of_32_bytes, _STAND_IN_KEY, _KEYS_SHAPE, _KEY_RECIPE),
    )

# --- WeChat ----------------------------------------------------------------------------------------------------------

_APPID = "wx and 16 letters and digits"
WECHAT = WechatSettings(
    appid=_env.read("WECHAT_APPID", shape.pattern(r"[A-Za-z0-9_]{1,64}", _APPID), "", _APPID),
    secret=_env.read("WECHAT_SECRET", shape.pattern(r"\S{1,128}", "a secret"), "", "the mini program's AppSecret"),
    username=_env.read("WECHAT_USERNAME", shape.pattern(r"gh_\w{1,64}", "of the form gh_…"), "", "gh_…"),
    token=_env.read(
        "WECHAT_TOKEN",
        shape.pattern(r"[A-Za-z0-9]{3,32}", "3 to 32 letters and digits"),
        "",
        "3 to 32 letters and digits",
    ),
    aes_keys=_env.read(
        "WECHAT_AES_KEYS",
        shape.encoding_aes_keys,
        (),
        "EncodingAESKeys of 43 characters, newest first, comma-separated",
    ),
    message_mode=_env.read(
        "WECHAT_MESSAGE_MODE", shape.choice("safe", "compat", "plain"), "safe", "safe, compat or plain"
    ),
    api_base=_env.read("WECHAT_API_BASE", shape.http_url, "https://api.weixin.qq.com", "an address"),
    callback_tolerance=_env.read(
        "CALLBACK_TOLERANCE", shape.seconds, timedelta(seconds=300), "seconds; 0 for no check"
    ),
    relay_url=_env.read("CALLBACK_RELAY_URL", shape.relay_url, "", "an address"),
)

# --- Pushing ---------------------------------------------------------------------------------------------------------

_BINDING_TTL = _env.read(
    "BINDING_TTL",
    shape.two_durations,
    (timedelta(seconds=86400), timedelta(seconds=3600)),
    "seconds to trust bound, not bound: 86400,3600",
)
PUSH = PushSettings(
    action_types=_env.read("PUSH_ACTION_TYPES", lambda text: shape.codes(text) or None, None, "codes, comma-separated"),
    deadlines=_env.read(
        "PUSH_DEADLINE",
        shape.deadlines,
        {300002: timedelta(hours=6), None: timedelta(hours=24)},
        "durations by code, * for the rest: 300002=6h,*=24h",
    ),
    order_wait=_env.read("PUSH_ORDER_WAIT", shape.seconds, timedelta(seconds=60), "seconds"),
    coalesce=_env.read("PUSH_COALESCE", shape.codes, frozenset(), "codes, comma-separated"),
    only_phones=frozenset(_env.read("PUSH_ONLY_PHONES", shape.words, _NO_WORDS, "phones, comma-separated")),
    send_unbound=_env.read("PUSH_UNBOUND", shape.choice("skip", "send"), "skip", "skip or send") == "send",
    lease=timedelta(seconds=_env.read("PUSH_LEASE", shape.positive_number, 120, "seconds")),
    retry_first=timedelta(seconds=_env.read("PUSH_RETRY_FIRST", shape.positive_number, 5, "seconds")),
    poll=timedelta(seconds=_env.read("PUSH_POLL", shape.positive_number, 1, "seconds")),
    line_probe=timedelta(seconds=_env.read("LINE_PROBE", shape.positive_number, 300, "seconds")),
    calls_per_minute=_env.read("PUSH_RATE", shape.positive_number, None, "calls a minute"),
    trust_bound=_BINDING_TTL[0],
    trust_unbound=_BINDING_TTL[1],
)

# --- The landing page ------------------------------------------------------------------------------------------------

_PARAMETER = shape.pattern(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}", "a parameter's name")
JSONP = JsonpSettings(
    waybill_param=_env.read("JSONP_WAYBILL_PARAM", _PARAMETER, "waybill_id", "a parameter's name"),
    callback_param=_env.read("JSONP_CALLBACK_PARAM", _PARAMETER, "callback", "a parameter's name"),
    proof=_env.read(
        "JSONP_PROOF", shape.choice("none", "phone_tail", "signature"), "none", "none, phone_tail or signature"
    ),
    mask=_env.read("JSONP_MASK", shape.choice("parties", "all"), "parties", "parties or all"),
    rate=_env.read("JSONP_RATE", shape.rate, (600, 60), "a number by /s, /min, /h or /day, such as 600/min"),
)

# --- The API ---------------------------------------------------------------------------------------------------------

API = ApiSettings(
    rate=_env.read("API_RATE", shape.rate, (30_000, 60), "a number by /s, /min, /h or /day, such as 30000/min"),
    threads=SERVER.threads,
)

# --- Doorbells, sweep and maintenance --------------------------------------------------------------------------------


def _broker(url: str) -> str:
    if urlsplit(url).scheme not in {"filesystem", "redis", "rediss", "amqp", "amqps"}:
        raise ValueError("neither filesystem://, redis:// nor amqp://")
    return url


CELERY_BROKER_URL = _env.read(
    "CELERY_BROKER_URL", _broker, "filesystem://", "filesystem:///folder, redis://… or amqp://…"
)
BROKER_DIR = Path(urlsplit(CELERY_BROKER_URL).path.rstrip("/") or VAR_DIR / "broker")
"""Of the file broker alone."""

# --- Django ----------------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "waybills",
    "wechat",
    "portal",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "portal.language.DeskLanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTHENTICATION_BACKENDS = ["waybills.permissions_backend.PermissionsBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "portal" / "locale"]
FORMAT_MODULE_PATH = "portal.formats"
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

UNFOLD = desk.UNFOLD

# Files for an import, in memory: the disk would hold personal data in plain.
FILE_UPLOAD_HANDLERS = ["waybills.files.upload.ImportUploadHandler"]

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if _LENIENT
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SESSION_COOKIE_AGE = 12 * 3600
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
# The proxy's word on the scheme counts only where a proxy is named.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
X_FRAME_OPTIONS = "DENY"
# portal.checks words these two itself, by the variables' names.
SILENCED_SYSTEM_CHECKS = ["security.W018", "security.W020"]
if not HTTPS:
    # Plain HTTP on one's own machine was asked for by name.
    SILENCED_SYSTEM_CHECKS += ["security.W004", "security.W008", "security.W012", "security.W016"]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["waybills.api.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "waybills.api.errors.answer_exception",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Carrier portal",
    "DESCRIPTION": "Waybills and path events in, the state of their pushes out. Times are Unix seconds.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "format": "{asctime} {levelname} {name} {message}",
            "style": "{",
            "datefmt": "%Y-%m-%dT%H:%M:%S%z",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": [], "propagate": True, "level": "INFO"},
        # A line for each sweep and doorbell says nothing.
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        # The file broker has no host to name.
        "kombu.connection": {"level": "ERROR"},
    },
}

CONFIGURATION_PROBLEMS = tuple(_env.problems)
"""What `portal.checks` reports and every entry point stops on."""
