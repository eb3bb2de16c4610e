"""Serves a Python class of LiteLLM's CustomSecretManager shape to the broker.

`python3 -m secret_broker.host --module FILE --class NAME --listen unix:PATH`; protocol.py says what it prints.
"""
