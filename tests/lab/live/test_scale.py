"""A study of ten thousand candidates on a screen."""

import json
import random
import time
from pathlib import Path

from tests.by_hand import BETTER, RECORDS, append, make_study, ok
from tests.lab.live.screen import watching
from workbench.ledger.journal import Journal
from workbench.records import Candidate, Decision, Evidence, Record, StateChanged


def test_ten_thousand_candidates_are_one_message_of_three_megabytes(tmp_path: Path) -> None:
    luck, records = random.Random(1), list[Record](RECORDS)
    for number in range(5, 10_001):
        effect = luck.gauss(-0.02, 0.02)
        change = f"LEARNING_RATE {luck.random():.3g} -> {luck.random():.3g}"
        words = f"{change}: a higher rate learns faster in the first steps"
        evidence = Evidence(
            against=1, effect=effect, low=effect - 0.01, high=effect + 0.01, trials=1
        )
        why = "not promising on its first trial"
        records += [
            Candidate(
                candidate=number,
                parent=1,
                program=BETTER.digest,
                author="tuner",
                hypothesis=words,
                added=3,
                removed=2,
            ),
            ok(number, 0, 0.8 - effect, seconds=12.3456789),
            Decision(candidate=number, verdict="discard", by="tested", why=why, evidence=evidence),
        ]
    folder = make_study(tmp_path, records=records)
    with Journal(folder) as journal:
        begun = time.process_time()
        journal.read_entries()
        reading = time.process_time() - begun
    begun = time.process_time()
    with watching(folder) as (_, screen):
        assert (
            time.process_time() - begun < 8 * reading
        )  # decoding the entries is a good part of the work
        assert len(json.dumps(screen.of("snapshot")[0], separators=(",", ":"))) < 3_000_000
        append(folder, StateChanged(state="paused"))
        screen.wait_for(lambda: screen.of("changes"))
        assert screen.of("changes")[0]["rows"] == []
