"""What a screen sees of a study while it happens, and requests that come from a click.

Messages are described in `protocol.py`, from which the TypeScript types are generated. This room
only reads journals: it decides nothing, and nothing here appends.
"""
