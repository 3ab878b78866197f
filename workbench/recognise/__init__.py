"""Recognises what people already have: scripts, cells, packages, checkouts, logs of other tools."""
