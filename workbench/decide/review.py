"""Gives a person the last word on keeps (`keeps`), or the first word on every diff (`all`)."""

from dataclasses import replace

from workbench.decide.policy import Policy, Wanted
from workbench.ledger.study import Study
from workbench.records import PERSON, Decision


class Review:
    """Wraps the policy that judges, and defers to a person as the option `review` says.

    A person's own candidates (some hunks of another one, say) do not wait for a person again.
    """

    def __init__(self, inner: Policy) -> None:
        self._inner = inner
        self.name = inner.name

    def opening(self, study: Study) -> Wanted:
        return self._inner.opening(study)

    def judge(self, study: Study, candidate: int) -> Decision | Wanted:
        history = study.candidates[candidate]
        mode = study.options.review
        if mode == "off" or history.record.author.startswith(PERSON):
            return self._inner.judge(study, candidate)
        if mode == "all" and not history.cleared and not history.trials:
            return Decision(
                candidate=candidate,
                verdict="defer",
                by="review",
                why="waits for a person before it runs",
                before_run=True,
            )
        opinion = self._inner.judge(study, candidate)
        if isinstance(opinion, Decision) and opinion.verdict == "keep":
            return replace(opinion, verdict="defer", why=f"{opinion.why}; waits for a person")
        return opinion
