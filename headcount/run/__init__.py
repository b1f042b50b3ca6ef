"""A run: its ids, folder, manifest, outcomes and verdict. Pure, except for files."""
