"""Content security policies. What a response is decides which one it gets, so a new page or path needs no code."""

# A page loads files of its own origin only, and runs nothing inline: text from models and callers can't run in it.
# Swagger UI and Django's admin draw their icons from data URLs.
PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Anything else is data. If a browser shows it anyway, it loads nothing.
DATA = "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
# What the model server sent, which may be a page: it gets an origin of its own, without scripts.
FOREIGN = "default-src 'none'; sandbox; frame-ancestors 'none'"
# Features that no page here uses.
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in ("camera", "display-capture", "geolocation", "microphone", "payment", "serial", "usb", "hid")
)
