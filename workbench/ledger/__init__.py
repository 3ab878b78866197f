"""What is durable: the journal, the requests, the lease, and the study that is folded from them.

No other room sees SQL or decides who may write. Start with `study_parts.py` to see what a study
knows, and with `journal.py` to see how it is stored.
"""
