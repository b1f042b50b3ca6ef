"""HTTP as the plugin sends it: each request once, with its identity, by a short way."""
