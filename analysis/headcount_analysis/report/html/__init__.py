"""The report as an HTML page, with its tables and its charts."""
