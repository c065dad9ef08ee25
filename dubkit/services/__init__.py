"""Asking a service over HTTP: its address and key, sending, waiting, and what its errors mean."""
