"""The loop.

The only writer of the journal. `python -m workbench.loop STUDY_DIR` runs it as a process of its
own.
"""
