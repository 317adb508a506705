"""Structured fuzzing of a running node over its sockets.

Every case is made from the contract's own routes and the credentials of real sessions, by a generator whose numbers
follow from the run's seed, the worker and the case. A finding names all three and holds the bytes that were sent.
"""
