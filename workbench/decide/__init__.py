"""Policies: keep, discard, defer."""
