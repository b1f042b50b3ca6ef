"""A secured cluster: what Headcount does with TLS, logins and access rules."""
