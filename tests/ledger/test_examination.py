"""The audits and ablations of a study."""

from workbench.ledger.examination import Examination, Examinations
from workbench.records import Ablation, Audit
from workbench.requests import AdoptedExamination, Change

AUDIT = AdoptedExamination(verb="audit", candidate=3, number=0, trials=4)
ABLATION = AdoptedExamination(
    verb="ablate",
    candidate=3,
    number=1,
    trials=2,
    changes=(Change(1, 5), Change(2, None, "it does not apply")),
)


def test_an_audit_runs_the_examined_program_and_the_baseline() -> None:
    assert Examination(request="r", **vars(AUDIT)).programs == (3, 0)


def test_an_ablation_runs_the_programs_that_could_be_made() -> None:
    assert Examination(request="r", **vars(ABLATION)).programs == (3, 5)


def test_no_two_examinations_share_a_seed() -> None:
    first = Examination(request="r1", **vars(AUDIT)).indices
    second = Examination(request="r2", **vars(ABLATION)).indices
    assert (len(first), len(second), set(first) & set(second)) == (4, 2, set())


def test_an_examination_is_pending_until_its_result_comes() -> None:
    examinations = Examinations()
    examinations.begin("r1", AUDIT)
    examinations.begin("r2", ABLATION)
    result = Audit(request="r1", candidate=3, verdict="holds", why="it does")
    examinations.add_audit(result)
    assert [pending.request for pending in examinations.pending] == ["r2"]
    examinations.add_ablation(Ablation(request="r2", candidate=3))
    assert (examinations.pending, examinations.audits) == ([], [result])
    assert examinations.n_asked == 2


def test_a_stop_cancels_what_is_pending() -> None:
    examinations = Examinations()
    examinations.begin("r1", AUDIT)
    examinations.cancel()
    assert (examinations.pending, examinations.n_asked) == ([], 1)
