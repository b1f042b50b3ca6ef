"""Steps of the Dockerfiles; they need nothing but Python."""
