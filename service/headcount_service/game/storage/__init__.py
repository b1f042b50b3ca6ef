"""The storage of the game: its tables, and the transactions that read and write them."""
