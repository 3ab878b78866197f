"""Verbs: what a person can do with a study, once; the command line, the magic and the Python API all stand on it.

`words` has each verb's arguments and `dispatch` carries them out; `handle` has the verbs as methods of a study, `launch` makes a
study and talks to its loop, `views` are the documented `--json` fields, `apply` writes a program back to its files.
"""
