"""Options that commands share, one subject per file."""
