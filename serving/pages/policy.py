"""The headers that tell a browser how little a page may do."""

from __future__ import annotations

Header = tuple[bytes, bytes]

SAFE: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
)
"""The headers of pages and of their files alike."""


def page_headers(*, scripts: bool, images_in_text: bool = False) -> tuple[Header, ...]:
    """Return the headers of a page, which loads and asks nothing but this service, and stands in no other page.

    Args:
        scripts: whether the page has any; they may ask this service.
        images_in_text: whether style sheets hold images themselves, as those of Swagger UI do.
    """
    allowed = {
        "default-src": "'none'",
        "style-src": "'self'",
        "img-src": "'self' data:" if images_in_text else "'self'",
        **({"script-src": "'self'", "connect-src": "'self'"} if scripts else {}),
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    policy = "; ".join(f"{name} {value}" for name, value in allowed.items())
    return (
        (b"content-security-policy", policy.encode()),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cache-control", b"no-cache"),
        *SAFE,
    )
