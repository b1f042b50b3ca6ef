"""TLS errors: why a connection could not be encrypted, in words that name the setting.

The numbers are OpenSSL's: X509_verify_cert_error_string(3), and the alerts of RFC 8446.
"""

import ssl

_EXPIRED, _NOT_YET_VALID = 10, 9
_UNKNOWN_AUTHORITY = frozenset({2, 18, 19, 20, 21, 27})
_OTHER_HOST = frozenset({62, 64})
_OF_CERTIFICATES = ("CERTIFICATE", "HANDSHAKE_FAILURE", "UNKNOWN_CA", "ACCESS_DENIED")
"""Parts of the alerts that a client gets for its certificate, or for having none."""
_NO_TLS = ("WRONG_VERSION_NUMBER", "UNEXPECTED_EOF", "HTTP_REQUEST", "RECORD_LAYER", "UNKNOWN")


def why_untrusted(error: ssl.SSLCertVerificationError) -> str:
    """Return why a broker's certificate is not accepted, as a text to follow "its certificate"."""
    if error.verify_code == _EXPIRED:
        return "has expired: renew it on the broker"
    if error.verify_code == _NOT_YET_VALID:
        return "is not valid yet: check the clocks of broker and client"
    if error.verify_code in _OTHER_HOST:
        return (
            f"is for another host ({error.verify_message}): use the host name that the certificate "
            "contains, or set ssl.endpoint.identification.algorithm=none"
        )
    if error.verify_code in _UNKNOWN_AUTHORITY:
        return (
            f"is signed by an authority that is not trusted ({error.verify_message}): name the "
            "authority's certificate with ssl.ca.location"
        )
    return f"is not accepted: {error.verify_message}"


def why_refused(error: ssl.SSLError, *, has_certificate: bool) -> str:
    """Return why the broker refuses the client; empty if the error does not say so."""
    _, _, alert = (error.reason or "").rpartition("ALERT_")
    if not any(name in alert for name in _OF_CERTIFICATES):
        return ""
    if has_certificate:
        return f"it does not accept the client's certificate ({alert.replace('_', ' ').lower()})"
    return (
        "it requires a client certificate: set ssl.certificate.location and ssl.key.location, or "
        "ssl.keystore.location"
    )


def is_no_tls(error: ssl.SSLError) -> bool:
    """Return whether the other side does not seem to speak TLS at all."""
    return any(name in (error.reason or "") for name in _NO_TLS) or isinstance(
        error, ssl.SSLEOFError
    )
