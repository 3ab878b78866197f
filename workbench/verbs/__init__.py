"""Verbs: what a person can do with studies, once for shell, notebook, screens and Python.

To be read in this order:

- `verb.py`: what a verb's declaration is made of.
- `declarations/`: the verbs and what each does, by subject; `table.py` lists them.
- `command_line.py`: reads a command line and carries it out; `completion.py`, `follow.py` and
  `result.py` serve it.
- `start.py`, `new.py`, `log_import.py`: the Python functions that begin a study or an experiment;
  `keywords.py` shows their options. `create.py` and its neighbours write the new study.
- `handle.py`: `StudyHandle`, one study in Python, with the verbs as methods; `study_reader.py` is
  the part that only looks. `loop_process.py` starts the loop and hands requests to it.
- `doctor.py`: what works on this machine.
- `reference.py` writes the tables of `README.md`.

Nothing here draws a screen or imports `workbench.lab`.
"""
