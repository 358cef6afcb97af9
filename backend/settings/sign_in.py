"""Sign-in of people: sessions, passwords, and the lockout after wrong ones."""

from backend import env

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"
AUTHENTICATION_BACKENDS = ["accounts.backends.PasswordBackend"]

_HOUR = 3600  # seconds
SESSION_SECONDS = env.integer("SESSION_SECONDS", 12 * _HOUR, minimum=60, maximum=30 * 24 * _HOUR, unit="seconds")
SESSION_IDLE_SECONDS = env.integer("SESSION_IDLE_SECONDS", _HOUR, minimum=60, maximum=30 * 24 * _HOUR, unit="seconds")
SESSION_COOKIE_AGE = min(SESSION_IDLE_SECONDS, SESSION_SECONDS)
SESSION_EXPIRE_AT_BROWSER_CLOSE = True  # clinics share computers; the server ends sessions by `common.session_expiry`
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "accounts.pages.refused.csrf_failure"

# https://pages.nist.gov/800-63-4/sp800-63b.html#passwordver: 15 characters if a password is the only factor. It asks
# for a list of common passwords, and forbids rules about kinds of characters.
MIN_PASSWORD_LENGTH = 15  # characters
_VALIDATORS = "django.contrib.auth.password_validation."
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_VALIDATORS}UserAttributeSimilarityValidator"},
    {"NAME": f"{_VALIDATORS}MinimumLengthValidator", "OPTIONS": {"min_length": MIN_PASSWORD_LENGTH}},
    {"NAME": f"{_VALIDATORS}CommonPasswordValidator"},
]

LOGIN_FAILURES = env.integer("LOGIN_FAILURES", 20, minimum=1, maximum=1000, unit="failed sign-ins")
LOGIN_LOCKOUT_SECONDS = env.integer("LOGIN_LOCKOUT_SECONDS", 900, minimum=1, maximum=24 * _HOUR, unit="seconds")
# Shown on the sign-in page and to people without a role: whom to ask for an account, a role or an unlocked account.
SIGN_IN_CONTACT = env.text("SIGN_IN_CONTACT", "your administrator")
