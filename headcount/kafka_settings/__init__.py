"""Settings of a Kafka connection: read from a client's file, written for each of the clients.

The game service imports this package too. It depends on nothing of Headcount but `errors`.
"""
