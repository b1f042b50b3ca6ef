"""Publishing: from a request's event to an acknowledgement by the broker."""
