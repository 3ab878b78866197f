"""The proposer `agent`.

- `agent`: the proposer: one conversation per round.
- `conversation`: the calls of one round, kept short enough for the model's context.
- `history_files`: the history of a study as files.
- `candidate_query`: which candidates fit some conditions.
- `tools`: what the model can do.
- `tool_specs`: how the tools are described to the model.
- `text_search`: regular expressions in a process that can be killed.
"""
