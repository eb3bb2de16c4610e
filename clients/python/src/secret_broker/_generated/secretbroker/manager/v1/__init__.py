"""Generated; see generate.py."""
