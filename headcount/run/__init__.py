"""What a run is: its ids, folder, manifest, outcomes and verdict. Pure, but for files."""
