"""Sets runs side by side: what changed, what is noise, and what cannot be told.

Reads what a verified run's folder says of it, and needs neither Spark nor a broker.
"""
