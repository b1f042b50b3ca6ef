"""The report as text: JUnit XML, Markdown, and a table for the terminal."""
