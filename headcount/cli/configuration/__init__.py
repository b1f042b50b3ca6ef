"""The configuration: options that a project keeps in a file."""
