"""Hosts: a Locust master and its workers on hosts of their own, whose clocks differ.

Each host is a network namespace with an address of its own, inside one that belongs to the test:
nothing listens outside of it. No root is needed where the kernel lets users make namespaces.
"""
