"""A client of the secret broker, a LiteLLM secret manager over it, and a host for managers written in Python."""

from __future__ import annotations
