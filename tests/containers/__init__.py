"""The images and the Compose files, with a real engine: three images built, and two runs judged."""
