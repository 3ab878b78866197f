"""kill -9 of a kernel or of the Jupyter server: the study goes on, and every answer stays true.

It happens in two moments in turn: while a study is started, and while requests are filed. The next
kernel or server shows the study and steers it.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.drills import hosts
from tests.drills.hosts import Host, Open
from tests.drills.toy import (
    check_history,
    count_scores,
    find_alive,
    list_descendants,
    list_processes,
    write_experiment,
)
from tests.studies import read
from tests.waiting import until
from workbench.ledger.folder import StudyFolder, list_studies
from workbench.ledger.journal import Journal
from workbench.ledger.lease import find_holder
from workbench.records import Adopted, Decision, Entry, LoopStarted, Refused

START = "start toy --proposer null --policy greedy --review off --candidates 0 --slots 1"
# Each answer is written down as soon as the cell has it: the last one before a kill has to be true
# as well.
FILE_REQUESTS = """
import itertools, os
from workbench.lab.magic import Failed
answers = os.open("answers", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
for number in itertools.count():
    newest = len(get_ipython().run_line_magic("autoresearch", "log {study} --json")) - 1
    for verb in ("guide", f"reject {{newest}} --reason", f"accept {{max(0, newest - 1)}} --reason"):
        text = f"{study}.{{number}}.{{verb.split()[0]}}"
        try:
            get_ipython().run_line_magic("autoresearch", f"{{verb}} {{text}} --study {study}")
            os.write(answers, f"adopted {{text}}\\n".encode())
        except Failed as error:
            answer = "unanswered" if "no answer yet" in str(error) else "refused"
            os.write(answers, f"{{answer}} {{text}}\\n".encode())
"""


def read_answers(root: Path, answer: str) -> list[str]:
    """Returns the texts of the requests that a cell knows to be adopted, or to be refused."""
    file = root / "answers"
    if not file.exists():
        return []
    lines = map(str.split, file.read_text().splitlines())
    return [text for kind, text in lines if kind == answer]


def list_loops(root: Path) -> set[int]:
    return {loop for study in list_studies(root) if (loop := find_holder(study))}


def kill(host: Host, root: Path) -> set[int]:
    """Kills a host at this instant; returns the processes that it had.

    Only loops and their processes live on, and they have no pipe or socket of those that died.
    """
    family = host.kill()

    def list_survivors() -> set[int]:
        return {pid for loop in list_loops(root) for pid in (loop, *list_descendants(loop))}

    def list_shared_pipes() -> set[str]:
        dead = set(family) - find_alive(set(family))
        pipes_of_dead = set().union(*(family[pid] for pid in dead))
        return pipes_of_dead & set().union(*map(hosts.list_pipes, list_survivors()))

    until(lambda: find_alive(set(family)) <= list_survivors())
    until(lambda: not list_shared_pipes())
    return set(family)


def continue_start(host: Host, study: StudyFolder) -> str:
    """Has a new kernel run a study whose start was cut off; returns the state that it was in."""
    states: dict[str, str] = {row["study"]: row["state"] for row in host.autoresearch("list")}
    state = states.get(study.name, "not begun")
    assert state in ("not begun", "dead", "running")
    if state == "not begun":
        host.autoresearch(f"{START} --study {study.name}")
    elif state == "dead":  # made, but without a loop
        host.autoresearch(f"resume --study {study.name}")
    until(lambda: find_holder(study))
    assert host.autoresearch(f"status {study.name}")["state"] == "running"
    return state


def finish(host: Host, study: StudyFolder) -> list[Entry]:
    """Steers a study from a new kernel, to its end; returns its journal."""
    status = host.autoresearch(f"status {study.name}")
    assert status["state"] == "running"
    n_candidates = status["counts"]["candidates"] + 3
    host.autoresearch(f"set candidates={n_candidates} --study {study.name}")
    until(lambda: find_holder(study) is None, 120)
    status = host.autoresearch(f"status {study.name}")
    assert status["state"] == "finished", status["reason"]
    return read(study)


def check_requests(study: StudyFolder, final: list[Entry], root: Path) -> int:
    """Checks that each filed request was answered once, had one effect, and that cells know it.

    Returns:
        How many requests were filed.
    """
    with Journal(study) as journal:
        filed = [request.id for request in journal.read_requests(0)]
    adopted = [entry.record for entry in final if isinstance(entry.record, Adopted)]
    refused = [entry.record.request for entry in final if isinstance(entry.record, Refused)]
    assert sorted([*(record.request for record in adopted), *refused]) == sorted(filed), (
        "a request was lost or answered twice"
    )
    texts = Counter(record.body.get("reason") or record.body.get("text") for record in adopted)
    answers = [text for text in read_answers(root, "adopted") if text.startswith(f"{study.name}.")]
    assert [texts[text] for text in answers] == [1] * len(answers), (
        "a cell and the journal know different answers"
    )
    assert not set(texts) & set(read_answers(root, "refused"))
    effects = Counter(
        (e.record.request, e.record.candidate)
        for e in final
        if isinstance(e.record, Decision) and e.record.request
    )
    assert set(effects.values()) <= {1}, "a click had two effects"
    return len(filed)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name, value in hosts.make_environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    write_experiment(tmp_path)
    yield tmp_path
    for loop in list_loops(tmp_path):
        with suppress(ProcessLookupError):
            os.kill(loop, signal.SIGTERM)


def cut_off_a_start(host: Host, study: StudyFolder, number: int, rng: random.Random) -> set[int]:
    """Kills a host while it starts a study; another cell is queued behind.

    It does so at any moment, while the study's folder is made, or when its loop has begun.
    """
    root = study.path.parents[1]
    moments = (
        (lambda: True, 0.6),
        (lambda: any(study.path.parent.glob(f"*{study.name}*")), 0.05),
        (lambda: find_holder(study), 0.3),
    )
    reached, seconds = moments[number % len(moments)]
    host.begin(f"%autoresearch {START} --study {study.name} --seed {number}")
    host.begin("while True: pass")
    until(reached)
    time.sleep(rng.uniform(0.0, seconds))  # the random instant is the point here, and below
    loop = find_holder(study)
    family = kill(host, root)
    assert not loop or find_holder(study) == loop
    return family


def cut_off_requests(
    host: Host, study: StudyFolder, rng: random.Random
) -> tuple[set[int], list[Entry]]:
    """Kills a host while requests are filed and answered; the loop goes on.

    Returns:
        The processes that it had, and the records that were known before.
    """
    root = study.path.parents[1]
    loop = find_holder(study)
    assert loop
    n_answers = len(read_answers(root, "adopted"))
    host.begin(FILE_REQUESTS.format(study=study.name))
    until(lambda: len(read_answers(root, "adopted")) > n_answers)
    time.sleep(rng.uniform(0.0, 0.6))
    entries = read(study)
    family = kill(host, root) | {loop, *list_descendants(loop)}
    n_scored = count_scores(study)
    until(lambda: count_scores(study) > n_scored)
    assert find_holder(study) == loop
    assert sum(isinstance(entry.record, LoopStarted) for entry in read(study)) == 1
    return family, entries


def finish_and_check(host: Host, study: StudyFolder, entries: list[Entry]) -> Counter[str]:
    """Ends a study from a new kernel and checks all of it; returns how much it has."""
    final = finish(host, study)
    check_history(final, [entries])
    return Counter(requests=check_requests(study, final, study.path.parents[1]), records=len(final))


@pytest.mark.parametrize(
    ("what", "open_host", "kills"), [("kernel", hosts.kernel, 12), ("server", hosts.server, 6)]
)
def test_a_study_outlives_what_it_was_started_from_and_answers_stay_true(
    what: str, open_host: Open, kills: int, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if what == "server" and not find_spec("jupyter_server"):
        assert not os.environ.get("CI"), (
            "the drill needs a Jupyter server: pip install -e .[lab,test]"
        )
        pytest.skip("no Jupyter server is installed; pip install -e .[lab]")
    rng = random.Random(kills)
    pids: set[int] = set()
    starts = Counter[str]()
    total = Counter[str]()
    previous: tuple[StudyFolder, list[Entry]] | None = None
    for number in range(kills // 2):
        study = StudyFolder(root / "studies" / f"drill-{number}")
        with open_host(root) as host:
            if previous:
                total += finish_and_check(host, *previous)
            pids |= cut_off_a_start(host, study, number, rng)
        with open_host(root) as host:
            starts[continue_start(host, study)] += 1
            family, entries = cut_off_requests(host, study, rng)
        pids |= family
        previous = (study, entries)
    assert previous
    with open_host(root) as host:
        total += finish_and_check(host, *previous)
    until(lambda: not find_alive(pids) and not list_processes(study), 20)
    n_known = len(read_answers(root, "adopted")) + len(read_answers(root, "refused"))
    drafts = len(list((root / "studies").glob(".*")))
    with capsys.disabled():
        print(f"\n{what}: {kills} kills (seed {kills}), starts cut off: {dict(starts)}")
        print(
            f"{drafts} drafts left behind, {n_known} of {total['requests']} answers known to a cell"
        )
        print(f"0 requests lost, 0 repeated; {total['records']} records, 0 orphans")
