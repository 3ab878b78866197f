"""Proposers: a new program and a hypothesis."""
