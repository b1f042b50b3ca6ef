"""Settings of a Kafka connection: read from a client's file, written for each of the clients.

The game service imports this package too. Of Headcount, it depends only on `errors`.
"""
