"""kill -9 of what a person looks through, a kernel or the Jupyter server: the study goes on, and every answer given stays true.

Two moments in turn: a study is being started, and requests are being filed. The next kernel, or server, shows the study and steers it.
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
from tests.drills.toy import alive, check_history, descendants, processes, scored, write_experiment
from tests.studies import read
from tests.waiting import until
from workbench.ledger.folder import StudyFolder, all_studies
from workbench.ledger.journal import Journal
from workbench.ledger.lease import holder
from workbench.records import Adopted, Decision, Entry, LoopStarted, Refused

START = "start toy --proposer null --policy greedy --review off --candidates 0 --slots 1"
# Each answer is written down as soon as the cell has it: the last one before a kill must be true as well.
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
            os.write(answers, f"{{'unanswered' if 'no answer yet' in str(error) else 'refused'}} {{text}}\\n".encode())
"""


def answers(root: Path, answer: str) -> list[str]:
    """The texts of the requests that came back to a cell as adopted, or as refused."""
    file = root / "answers"
    lines = file.read_text().splitlines() if file.exists() else []
    return [text for said, text in map(str.split, lines) if said == answer]


def loops(root: Path) -> set[int]:
    return {loop for study in all_studies(root) if (loop := holder(study))}


def kill(host: Host, root: Path) -> set[int]:
    """Kills it at this instant; returns what it had, of which only loops and what belongs to them live on, with nothing of its own."""
    family = host.kill()

    def live_on() -> set[int]:
        return {pid for loop in loops(root) for pid in (loop, *descendants(loop))}

    def held() -> set[str]:
        dead = set(family) - alive(set(family))
        return set().union(*(family[pid] for pid in dead)) & set().union(
            *(hosts.pipes(pid) for pid in live_on())
        )

    until(lambda: alive(set(family)) <= live_on())
    until(lambda: not held())
    return set(family)


def go_on(host: Host, study: StudyFolder) -> str:
    """What a new kernel finds of a study whose start was cut off; then it runs, in any case."""
    shown: dict[str, str] = {row["study"]: row["state"] for row in host.autoresearch("list")}
    found = shown.get(study.name, "not begun")
    assert found in ("not begun", "dead", "running")
    if found == "not begun":
        host.autoresearch(f"{START} --study {study.name}")
    elif found == "dead":  # made, but without a loop
        host.autoresearch(f"resume --study {study.name}")
    until(lambda: holder(study))
    assert host.autoresearch(f"status {study.name}")["state"] == "running"
    return found


def finish(host: Host, study: StudyFolder) -> list[Entry]:
    """Steers a study from a new kernel, to its end; returns its journal."""
    shown = host.autoresearch(f"status {study.name}")
    assert shown["state"] == "running"
    host.autoresearch(f"set candidates={shown['counts']['candidates'] + 3} --study {study.name}")
    until(lambda: holder(study) is None, 120)
    shown = host.autoresearch(f"status {study.name}")
    assert shown["state"] == "finished", shown["reason"]
    return read(study)


def check_requests(study: StudyFolder, final: list[Entry], root: Path) -> int:
    """Each filed request was answered once and had one effect, and as the cell was told; returns how many there were."""
    with Journal(study) as journal:
        filed = [request.id for request in journal.requests(0)]
    adopted = [entry.record for entry in final if isinstance(entry.record, Adopted)]
    refused = [entry.record.request for entry in final if isinstance(entry.record, Refused)]
    assert sorted([*(record.request for record in adopted), *refused]) == sorted(filed), (
        "a request was lost or answered twice"
    )
    texts = Counter(record.body.get("reason") or record.body.get("text") for record in adopted)
    told = [text for text in answers(root, "adopted") if text.startswith(f"{study.name}.")]
    assert [texts[text] for text in told] == [1] * len(told), (
        "what a cell was told is not what the journal says"
    )
    assert not set(texts) & set(answers(root, "refused"))
    effects = Counter(
        (e.record.request, e.record.candidate)
        for e in final
        if isinstance(e.record, Decision) and e.record.request
    )
    assert set(effects.values()) <= {1}, "a click had two effects"
    return len(filed)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name, value in hosts.environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    write_experiment(tmp_path)
    yield tmp_path
    for loop in loops(tmp_path):
        with suppress(ProcessLookupError):
            os.kill(loop, signal.SIGTERM)


def cut_off_a_start(host: Host, study: StudyFolder, number: int, rng: random.Random) -> set[int]:
    """Kills while a study is started: anywhere, while its folder is made, or when its loop has begun; another cell waits behind."""
    root = study.path.parents[1]
    moments = (
        (lambda: True, 0.6),
        (lambda: any(study.path.parent.glob(f"*{study.name}*")), 0.05),
        (lambda: holder(study), 0.3),
    )
    reached, seconds = moments[number % len(moments)]
    host.begin(f"%autoresearch {START} --study {study.name} --seed {number}")
    host.begin("while True: pass")
    until(reached)
    time.sleep(rng.uniform(0.0, seconds))  # the random instant is the point here, and below
    loop = holder(study)
    family = kill(host, root)
    assert not loop or holder(study) == loop
    return family


def cut_off_requests(
    host: Host, study: StudyFolder, rng: random.Random
) -> tuple[set[int], list[Entry]]:
    """Kills while requests are filed and answered; the loop goes on. Returns what was killed, and the records known before."""
    root, loop = study.path.parents[1], holder(study)
    assert loop
    n_answers = len(answers(root, "adopted"))
    host.begin(FILE_REQUESTS.format(study=study.name))
    until(lambda: len(answers(root, "adopted")) > n_answers)
    time.sleep(rng.uniform(0.0, 0.6))
    known = read(study)
    family = kill(host, root) | {loop, *descendants(loop)}
    n_scored = scored(study)
    until(lambda: scored(study) > n_scored)
    assert holder(study) == loop
    assert sum(isinstance(entry.record, LoopStarted) for entry in read(study)) == 1
    return family, known


def settle(host: Host, study: StudyFolder, known: list[Entry]) -> Counter[str]:
    """Ends a study from a new kernel and checks all of it; returns how much there was."""
    final = finish(host, study)
    check_history(final, [known])
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
    rng, seen = random.Random(kills), set[int]()
    starts, total = Counter[str](), Counter[str]()
    previous: tuple[StudyFolder, list[Entry]] | None = None
    for number in range(kills // 2):
        study = StudyFolder(root / "studies" / f"drill-{number}")
        with open_host(root) as host:
            if previous:
                total += settle(host, *previous)
            seen |= cut_off_a_start(host, study, number, rng)
        with open_host(root) as host:
            starts[go_on(host, study)] += 1
            family, known = cut_off_requests(host, study, rng)
        seen |= family
        previous = study, known
    assert previous
    with open_host(root) as host:
        total += settle(host, *previous)
    until(lambda: not alive(seen) and not processes(study), 20)
    told = len(answers(root, "adopted")) + len(answers(root, "refused"))
    drafts = len(list((root / "studies").glob(".*")))
    with capsys.disabled():
        cut = f"starts cut off: {dict(starts)}, {drafts} drafts left behind"
        print(
            f"\n{what}: {kills} kills (seed {kills}), {cut}, {total['requests']} requests ({told} answers had reached a cell), ",
            end="",
        )
        print(f"0 lost, 0 repeated; {total['records']} records, 0 orphans")
