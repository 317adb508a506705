"""Helpers of the end-to-end tests: processes, HTTP, streams. Nothing here knows the server's source."""
