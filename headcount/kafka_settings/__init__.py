"""Settings of a Kafka connection: read from a client's file, written for each of the clients.

The game service imports this package too. From the rest of Headcount, this package imports only
`errors`, `http_url` and `installation`.
"""
