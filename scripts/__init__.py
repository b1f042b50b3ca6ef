"""Source tree checks that linters do not cover, and figures about the tree."""
