"""The context of TLS connections that Python makes."""

import ssl


def verifying_context(ca_pem: str | None) -> ssl.SSLContext:
    """Return a context that accepts certificates of these authorities; None: the machine's own."""
    context = ssl.create_default_context(cadata=ca_pem)
    # A private authority's certificate often lacks extensions that RFC 5280 requires.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
