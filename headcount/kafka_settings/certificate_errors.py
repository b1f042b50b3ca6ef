"""Errors of files with certificates or keys."""


class CertificateFileError(Exception):
    """A file cannot be used; the message says why, without any of its content."""
