"""Fuzzes the real server with requests from its OpenAPI document, and with requests broken byte by byte.

``python -m tests.harness.fuzz_server`` makes a long run; a short run is part of ``make test``.
"""
