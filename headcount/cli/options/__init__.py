"""The options that commands share, by what they are about."""
