"""A distributed run: a Locust master and workers on separate hosts, whose clocks differ.

Each host is a network namespace with its own address, inside a namespace of the test, so no process
listens outside of it. This needs no root if the kernel lets users create namespaces.
"""
