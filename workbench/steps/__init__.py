"""One step of a study: export it, run it, judge whether it reproduces."""
