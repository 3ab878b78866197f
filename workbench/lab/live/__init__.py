"""What a screen sees of a study while it happens: the feed of one study, the card of one candidate, and requests from a click.

The messages are those of `extensions/src/protocol.ts`. Views of the journal only; nothing here decides, and nothing appends.
"""
