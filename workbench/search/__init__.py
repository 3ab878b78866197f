"""Strategies and their archives: which parent and which examples next."""
