"""What the plugin measures and watches while requests are made."""
