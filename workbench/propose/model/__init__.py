"""The model behind a proposer.

- `call`: what is asked and answered, as values.
- `client`: the connection, through Anthropic's SDK.
- `stream_reader`: an answer as it streams in.
- `failures`: what can go wrong with a call.
- `prices`: what a call costs.
- `ensemble`: which of several models is asked.
- `preflight`: what must hold before a study asks a model.
- `plain`: a model as a function from text to text.
"""
