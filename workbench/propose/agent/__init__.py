"""The proposer `agent`: the history of a study as files (`history`), the tools over them (`tools`), the calls (`conversation`)."""
