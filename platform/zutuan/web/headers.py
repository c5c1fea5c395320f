"""What every answer tells the browser: run and load nothing but ours, tell nobody, stay on HTTPS."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response
from flask_talisman import Talisman

# No inline script or style anywhere, nothing off-origin; htmx and our own script ask this origin only.
CSP = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "frame-src": "'none'",
    "worker-src": "'none'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
NOTHING = ("accelerometer", "browsing-topics", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer",
           "microphone", "midi", "payment", "usb", "xr-spatial-tracking")  # fmt: skip
HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Permitted-Cross-Domain-Policies": "none",
}
A_YEAR = "max-age=31536000"


def register(app: Flask, secure: bool) -> None:
    """`secure`: people come by HTTPS, whoever ends it in front of us."""
    talisman: dict[str, Any] = {
        "force_https": False,  # the proxy in front redirects
        "strict_transport_security": False,  # it would look at the proxy's own connection; set below
        "session_cookie_secure": secure,
        "content_security_policy": CSP,
        "permissions_policy": dict.fromkeys(NOTHING, "()"),
        "referrer_policy": "same-origin",
        "frame_options": "DENY",
    }
    Talisman(app, **talisman)

    def add(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if secure:
            response.headers["Strict-Transport-Security"] = A_YEAR
        return response

    app.after_request(add)
