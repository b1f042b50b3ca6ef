"""The plugin's HTTP client: sends each request once, with its id, on a short code path."""
