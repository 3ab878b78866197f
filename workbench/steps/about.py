"""The first cell of an exported notebook: what the step is, how it was decided, and its diff.

All texts come from candidates and models, so they are escaped: no tags, links or formatting of
theirs.
"""

import re

from workbench.records import Decision, Trial
from workbench.show import cells, layout
from workbench.show.visible import one_line, visible
from workbench.steps import verdict
from workbench.steps.material import Material
from workbench.steps.spread import ENOUGH

MAX_DIFF = 60_000  # characters
FOOTER = (
    "This notebook holds the whole step. Run it anywhere with the workbench installed, for example "
    "with `papermill THIS.ipynb out.ipynb`: it tries the program again in a sandbox and fails when "
    "the result does not reproduce."
)


def describe(material: Material) -> str:
    """The cell's text, in Markdown."""
    record = material.history.record
    opened = material.study.opened
    parent = "" if record.parent is None else f", made from candidate {record.parent}"
    author = escape(record.author)
    parts = [
        f"# {escape(opened.name)}, candidate {record.candidate}",
        f"> {escape(record.hypothesis or 'no hypothesis')}",
        f"By {author}{parent}. Experiment: {escape(opened.experiment)}.",
    ]
    decisions = material.history.decisions
    if not decisions:
        parts.append("**Not decided** when this was exported.")
    for decision in decisions:
        label = "Decision" if decision is decisions[-1] else "Before"
        parts.append(_describe_decision(decision, label))
    parts += [
        f"**Note:** {escape(cells.describe_note(note._asdict()))}"
        for note in material.history.notes
    ]
    parts.append(_trial_table(material))
    noise = _describe_noise(material)
    if noise:
        parts.append(noise)
    diff = visible(material.patch.to_unified_diff())
    if diff:
        parts.append(_diff_block(diff))
    parts.append(FOOTER)
    return "\n\n".join(parts)


def _describe_decision(decision: Decision, label: str) -> str:
    evidence = decision.evidence
    effect = ""
    if evidence.effect is not None:
        bounds = ""
        if evidence.low is not None and evidence.high is not None:
            bounds = f" [{evidence.low:+.4g}, {evidence.high:+.4g}]"
        effect = (
            f" Effect {evidence.effect:+.4g}{bounds} (a gain; above 0 is better), "
            f"from {evidence.trials} trials."
        )
    why = escape(decision.why or "-").rstrip(".")
    return f"**{label}: {escape(decision.verdict)}** by {escape(decision.by)}: {why}.{effect}"


def _trial_table(material: Material) -> str:
    metric = escape(material.study.opened.objective.name)
    if any(trial.self_reported for trial in material.trials):
        metric += " (self-reported)"
    lines = [f"| trial | seed | {metric} | sandbox | device |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([*lines, *map(_trial_row, material.trials)])


def _trial_row(trial: Trial) -> str:
    score = trial.status if trial.score is None else layout.number(trial.score)
    reason = f": {escape(trial.reason)}" if trial.reason else ""
    sandbox = escape(trial.sandbox or "-")
    if trial.sandbox == "off":
        sandbox = "off: WITHOUT isolation"
    device = escape(trial.device or "-")
    return f"| {trial.trial} | {trial.seed} | {score}{reason} | {sandbox} | {device} |"


def _describe_noise(material: Material) -> str:
    """What the noise rests on, where the candidate has few trials.

    Empty if its trials are enough.
    """
    n_trials = len(material.history.scored)
    is_noisy = material.study.opened.objective.noise != "none"
    if not is_noisy or not 0 < n_trials <= ENOUGH:
        return ""
    if material.lent is not None:
        lenders = ", ".join(f"candidate {number}" for number in material.lenders)
        source = f"what the score may miss by comes from {lenders or 'its units'} as well"
    elif n_trials > 1:
        source = "what the score may miss by is wide"
    else:
        source = f"the score may miss by {verdict.FLOOR:.0%}, or by `min_effect`"
    trials = "trials" if n_trials > 1 else "trial"
    return (
        f"Its {n_trials} {trials} hardly tell its noise: "
        f"where the same seed gives another score, {source}."
    )


def _diff_block(diff: str) -> str:
    n_more = len(diff) - MAX_DIFF
    note = f"\n… {n_more:,} more characters" if n_more > 0 else ""
    # The fence must be longer than any run of backticks in the diff.
    longest = max([2, *(len(run) for run in re.findall(r"`+", diff))])
    fence = "`" * (longest + 1)
    return f"{fence}diff\n{diff[:MAX_DIFF].rstrip()}{note}\n{fence}"


def escape(text: str) -> str:
    """Text of a candidate or a model as one line of Markdown that formats nothing."""
    line = one_line(text)
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), ("|", "&#124;"), ("$", "&#36;")):
        line = line.replace(character, entity)
    line = line.replace("://", "&#58;//")  # otherwise some viewers make a link of it
    line = re.sub(r"([\\`*_\[\]!~])", r"\\\1", line)
    # A leading mark or number would begin a list, a heading or a quotation.
    return re.sub(r"^(\d*)([-+#>=.)])", r"\1\\\2", line)
