"""The declarations of the verbs, with what each does, by subject. `verbs/table.py` lists them."""
