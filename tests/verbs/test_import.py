"""`import LOG`: every kind of log that occurs in the wild keeps its rows, words and odd places."""

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import workbench
from tests.by_hand import write_experiment
from tests.conftest import Run
from workbench.errors import StudyError, UsageError
from workbench.verbs.handle import StudyHandle

HEAD = "commit\tval_bpb\tmemory_gb\tstatus\tdescription\n"
SIMPLE = HEAD + (
    "baseline\t0.997900\t44.0\tkeep\tbaseline\n"
    'a1b2c3d\t0.991000\t44.2\tkeep\traise lr — "cosine"\n'
    "b2c3d4e\t0.995000\t44.2\tdiscard\tbigger batch\n"
    "c3d4e5f\t0.000000\t0.0\tcrash\tdouble width (OOM)\n"
)
CONFIG: dict[str, Any] = {
    "type": "config",
    "name": "speed",
    "metricName": "total_µs",
    "metricUnit": "µs",
    "bestDirection": "lower",
}
Import = Callable[..., StudyHandle]


@pytest.fixture
def import_log(tmp_path: Path) -> Any:
    """Writes a log and imports it; closes the studies in the end."""
    studies = []

    def call(text: str | bytes, name: str = "results.tsv", **options: Any) -> StudyHandle:
        file = tmp_path / "logs" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        studies.append(workbench.import_log(file, root=tmp_path, **options))
        return studies[-1]

    yield call
    for study in studies:
        study.close()


def jsonl(*lines: Any) -> str:
    return "".join(
        (line if isinstance(line, str) else json.dumps(line, ensure_ascii=False)) + "\n"
        for line in lines
    )


def pi_run(
    number: int, metric: float | None, status: str = "keep", **fields: Any
) -> dict[str, Any]:
    return {
        "run": number,
        "commit": "abc1234",
        "metric": metric,
        "metrics": {},
        "status": status,
        "description": "x",
        **fields,
    }


def rows(study: StudyHandle, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in study.log().data]


def make_night(n_rows: int = 125, seed: int = 8) -> str:
    """A log as a night of autoresearch leaves it: a baseline, keeps, discards, a few crashes."""
    chance = random.Random(seed)
    best = 0.9979
    lines = ["baseline\t0.997900\t44.0\tkeep\tbaseline (no changes)"]
    for _ in range(n_rows):
        commit = f"{chance.getrandbits(28):07x}"
        draw = chance.random()
        if draw < 0.03:
            score = chance.choice(["0.000000", "0.0"])
            lines.append(f'{commit}\t{score}\t0.0\tcrash\tdouble the width — "OOM"')
        elif draw < 0.2:
            best -= chance.random() * 0.002
            memory = f"{44 + chance.random():.1f}"
            lines.append(f"{commit}\t{best:.6f}\t{memory}\tkeep\thalve the batch, 2**18 → 2**17")
        else:
            score = f"{best + chance.random() * 0.004:.6f}"
            decay = f"weight decay 0.{chance.randrange(9)}"
            lines.append(f"{commit}\t{score}\t44.0\tdiscard\t{decay}")
    return HEAD + "\n".join(lines) + "\n"


class TestStudy:
    def test_it_is_a_finished_study_that_says_what_the_log_says(self, import_log: Import) -> None:
        study = import_log(SIMPLE)
        status = study.status().data
        assert (status["state"], status["self_reported"], status["sandbox"]) == (
            "finished",
            True,
            "",
        )
        assert status["objective"] == {"name": "val_bpb", "goal": "minimize"}
        assert status["counts"] == {
            "candidates": 3,
            "kept": 1,
            "discarded": 1,
            "failed": 1,
            "waiting": 0,
            "unknown": 0,
        }
        assert (status["baseline"]["score"], status["best"]) == (
            0.9979,
            {"candidate": 1, "score": 0.991},
        )
        assert "read-only" in status["reason"]
        assert rows(study, "status", "score") == [
            ("kept", 0.9979),
            ("kept", 0.991),
            ("discarded", 0.995),
            ("failed", None),
        ]
        assert {row["self_reported"] for row in study.log().data} == {True}
        assert {row["author"] for row in study.log().data} == {"results.tsv"}
        assert study.wait() == "finished"

    def test_a_row_is_shown_with_its_fields_and_nothing_pretends_to_be_a_diff(
        self, import_log: Import
    ) -> None:
        view = import_log(SIMPLE).show(1)
        assert view.data["fields"]["description"] == 'raise lr — "cosine"'
        assert (view.data["line"], view.data["patch"], view.data["hunks"], view.data["added"]) == (
            3,
            "",
            [],
            None,
        )
        assert view.data["raw"] == SIMPLE.splitlines()[2]
        for text in (repr(view), view._repr_html_()):
            assert "not known: imported" in text
            assert "44.2" in text
            assert "+0" not in text

    def test_views_frame_and_figures_work(self, import_log: Import, tmp_path: Path) -> None:
        study = import_log(make_night())
        frame = study.frame()
        assert len(frame) == 126
        assert set(frame["status"]) == {"kept", "discarded", "failed"}
        figure = study.progress()
        names = [re.sub(r" \(.*", "", trace.name) for trace in figure.data]
        assert {"Kept", "Running best", "Crashed"} <= set(names)
        kept = next(trace for trace in figure.data if trace.name == "Kept")
        assert min(kept.y) == study.status().data["best"]["score"]
        assert all(value > 0 for trace in figure.data for value in trace.y)
        assert "(self-reported)" in figure.layout.yaxis.title.text
        assert "lines" not in "".join(
            text for trace in figure.data for text in trace.hovertext or ()
        )
        assert "no curves" in study.curves().to_json()
        assert len(workbench.studies(tmp_path)) == 1
        assert "self-reported" in repr(study.log()) + study.log()._repr_html_()

    def test_a_keep_is_never_worked_out_again(self, import_log: Import) -> None:
        study = import_log(
            HEAD + "a\t1.0\t0\tkeep\tb\nb\t0.5\t0\tdiscard\tflat\nc\t1.1\t0\tkeep\tsimpler\n"
        )
        assert rows(study, "status") == [("kept",), ("discarded",), ("kept",)]
        assert (study.study.incumbent, study.status().data["best"]["candidate"]) == (2, 0)

    @pytest.mark.parametrize("goal", ["minimize", "maximize"])
    def test_a_crash_is_never_the_best_whichever_way_is_better(
        self, import_log: Import, goal: Any
    ) -> None:
        crashes = "b\t0.000000\t0\tcrash\tno\nc\t9.0\t0\tcrash\tno\nd\t-9\t0\tcrash\tno\n"
        study = import_log(f"{HEAD}a\t-1.0\t0\tkeep\tb\n{crashes}", goal=goal)
        assert study.status().data["best"] == {"candidate": 0, "score": -1.0}
        assert rows(study, "score")[1:] == [(None,), (None,), (None,)]

    def test_names_come_from_the_log_or_its_folder_and_a_second_import_has_its_own(
        self, import_log: Import
    ) -> None:
        assert [
            import_log(SIMPLE).name,
            import_log(SIMPLE).name,
            import_log(SIMPLE, "night.tsv").name,
        ] == ["logs-1", "logs-2", "night-1"]
        assert import_log(SIMPLE, study="mine").name == "mine"
        with pytest.raises(StudyError, match="'mine' already exists; choose another"):
            import_log(SIMPLE, study="mine")

    def test_a_log_of_twenty_thousand_rows(self, import_log: Import) -> None:
        study = import_log(make_night(20_000))
        assert len(study) == 20_001
        assert len(study.progress().to_json()) < 1_000_000


class TestReadOnly:
    CHANGES: tuple[tuple[str, Callable[[StudyHandle], Any]], ...] = (
        ("accept", lambda study: study.accept(1)),
        ("accept", lambda study: study.accept(1, hunks=[1])),
        ("reject", lambda study: study.reject(1)),
        ("guide", lambda study: study.guide("x")),
        ("ban", lambda study: study.ban("x")),
        ("pin", lambda study: study.pin(1)),
        ("fork", lambda study: study.fork(1)),
        ("set", lambda study: study.set("candidates", 3)),
        ("pause", lambda study: study.pause()),
        ("resume", lambda study: study.resume()),
        ("stop", lambda study: study.stop()),
    )

    @pytest.mark.parametrize(("verb", "change"), CHANGES)
    def test_what_would_change_it_is_refused_before_anything_is_filed(
        self, import_log: Import, verb: str, change: Any
    ) -> None:
        study = import_log(SIMPLE)
        last = study.study.last_id
        with pytest.raises(UsageError, match=f"read-only; {verb} would change it"):
            change(study)
        assert (study.journal.read_requests(0), study.study.last_id) == ([], last)

    def test_what_needs_a_program_says_that_there_is_none(
        self, import_log: Import, tmp_path: Path
    ) -> None:
        study = import_log(SIMPLE)
        needs: list[Callable[[], Any]] = [
            lambda: study.export(1),
            lambda: study.reproduce(1),
            lambda: study.apply(),
            lambda: study.apply(1, to=tmp_path / "x"),
            lambda: study.diff(0, 1),
            lambda: study[1].program,
            lambda: study[1].patch,
        ]
        for need in needs:
            with pytest.raises(UsageError, match="an imported row has no program"):
                need()

    def test_start_under_its_name_is_refused_without_advice_to_resume(
        self, import_log: Import, tmp_path: Path
    ) -> None:
        import_log(SIMPLE, study="toy-1")
        with pytest.raises(StudyError, match="imported and read-only; choose another name"):
            workbench.start(write_experiment(tmp_path / "toy"), study="toy-1", root=tmp_path)


class TestVariations:
    def test_extra_columns_are_found_by_name(self, import_log: Import) -> None:
        names = (
            "exp_id\tkind\tthread\tcommit\thypothesis\t"
            "val_loss\tval_bpb\tmemory_gb\tseconds\tstatus\tdescription"
        )
        line = "7\tarch\tA\tabc1234\tdeeper is better\t3.1\t0.98\t11.5\t301\tkeep\tdeeper"
        study = import_log(f"{names}\n{line}\n6{line[1:]}\n")
        assert (
            rows(study, "score", "hypothesis", "status", "flags")
            == [(0.98, "deeper", "kept", [])] * 2
        )
        # In the order of the file.
        assert [study.show(n).data["fields"]["exp_id"] for n in (0, 1)] == ["7", "6"]
        assert study.results() == HEAD + "abc1234\t0.98\t11.5\tkeep\tdeeper\n" * 2

    def test_rows_that_grow_in_mid_file_keep_every_field(self, import_log: Import) -> None:
        study = import_log(
            SIMPLE
            + "d\t0.990\t44.0\t300.1\t953\tkeep\tlonger rows\ne\t0.993\t44.0\t1\t2\tmaybe\tx\n"
        )
        assert rows(study, "status", "score", "flags")[4:] == [
            ("kept", 0.99, ["7 fields for 5 columns"]),
            ("unknown", 0.993, ["7 fields for 5 columns", "no status"]),
        ]
        fields = study.show(4).data["fields"]
        assert (fields["field 4"], fields["field 5"], fields["status"], fields["description"]) == (
            "300.1",
            "953",
            "keep",
            "longer rows",
        )
        assert study.show(5).data["raw"] == "e\t0.993\t44.0\t1\t2\tmaybe\tx"

    def test_a_tab_in_a_description_and_rows_that_are_too_short(self, import_log: Import) -> None:
        study = import_log(
            SIMPLE
            + "d\t0.99\t44.0\tdiscard\ta\ttab\n"
            + "e\t0.98\t44.0\tkeep\n"
            + "0.97\t44.0\tkeep\tno commit\n"
            + "f\t0.5\n"
            + "word\n"
        )
        assert rows(study, "status", "score", "hypothesis", "flags")[4:] == [
            ("discarded", 0.99, "a tab", ["6 fields for 5 columns"]),
            ("kept", 0.98, "", ["4 fields for 5 columns"]),
            (
                "kept",
                None,
                "no commit",
                ["4 fields for 5 columns", "which field is the metric is not known", "no metric"],
            ),
            ("unknown", 0.5, "", ["2 fields for 5 columns", "no status"]),
            ("unknown", None, "", ["1 field for 5 columns", "no status", "no metric"]),
        ]
        assert study.status().data["best"]["candidate"] == 5

    def test_a_log_without_a_header_asks_for_the_columns(self, import_log: Import) -> None:
        text = SIMPLE.removeprefix(HEAD)
        columns = "--columns commit,val_bpb,memory_gb,status,description"
        with pytest.raises(UsageError, match=rf"line 1 of .* header; name the columns: {columns}"):
            import_log(text)
        study = import_log(text, columns=HEAD.strip().split("\t"))
        assert len(study) == 4
        assert study.results() == SIMPLE

    def test_the_verdict_in_another_column_counts_only_once_its_words_are_told(
        self, import_log: Import
    ) -> None:
        text = (
            "kernel\tspeedup\tcorrectness\n"
            "v1\t1.0\tPASS\nv2\t1.4\tpass\nv3\t9.9\tFAIL\nv4\t2.0\tflaky\n"
        )
        study = import_log(text, goal="maximize")
        assert {row["status"] for row in study.log().data} == {"unknown"}
        assert study.status().data["best"]["candidate"] is None
        assert study.log().data[0]["flags"] == ["no status column"]
        study = import_log(
            text,
            goal="maximize",
            columns=["kernel", "speedup", "status"],
            statuses={"pass": "keep", "fail": "crash"},
        )
        assert rows(study, "status", "score") == [
            ("kept", 1.0),
            ("kept", 1.4),
            ("failed", None),
            ("unknown", 2.0),
        ]
        assert study.status().data["best"]["candidate"] == 1

    def test_other_status_words_stay_unknown_and_case_does_not_matter(
        self, import_log: Import
    ) -> None:
        study = import_log(
            HEAD + "a\t1.0\t0\tKEEP\t\nb\t0.5\t0\tmaybe\t\nc\t0.4\t0\t\t\nd\t2\t0\tDiscard \t\n"
        )
        assert rows(study, "status", "flags") == [
            ("kept", []),
            ("unknown", ["unknown status 'maybe'"]),
            ("unknown", ["no status"]),
            ("discarded", []),
        ]
        assert study.status().data["best"]["candidate"] == 0
        assert study.status().data["counts"]["unknown"] == 2
        assert "Undecided" in [trace.name for trace in study.progress().data]
        assert "provisional" not in study.progress().to_json()
        assert rows(
            import_log(HEAD + "a\t1\t0\tmaybe\t\n", statuses={"Maybe": "keep"}), "status"
        ) == [("kept",)]

    @pytest.mark.parametrize(
        "metric", ["", "nan", "NaN", "inf", "OOM", "1_000", "1,5", "1e999", "--"]
    )
    def test_what_is_no_number_is_no_score(self, import_log: Import, metric: str) -> None:
        row = import_log(HEAD + f"a\t1.0\t0\tkeep\t\nb\t{metric}\t0\tkeep\t\n").log().data[1]
        assert (row["status"], row["score"]) == ("kept", None)
        assert row["flags"] == [f"metric {metric!r} is not a number" if metric else "no metric"]

    def test_a_zero_counts_only_where_the_status_says_that_it_ran(self, import_log: Import) -> None:
        study = import_log(HEAD + "a\t0.000000\t0\tkeep\t\nb\t0.0\t0\tboom\t\nc\t0\t0\tcrash\t\n")
        assert rows(study, "score") == [(0.0,), (None,), (None,)]
        assert "metric 0, and no status says that it ran" in study.log().data[1]["flags"]

    def test_a_commit_is_no_key(self, import_log: Import) -> None:
        study = import_log(
            HEAD
            + "".join(
                f"{commit}\t1.0\t0\tkeep\t\n" for commit in ("baseline", "none", "HEAD", "a", "a")
            )
        )
        assert rows(study, "candidate") == [(0,), (1,), (2,), (3,), (4,)]

    def test_a_second_header_is_a_flagged_row(self, import_log: Import) -> None:
        study = import_log(SIMPLE + HEAD + "d\t0.99\t0\tkeep\t\n")
        assert rows(study, "status", "flags")[4:] == [
            ("unknown", ["the header once more"]),
            ("kept", []),
        ]
        assert study.results().startswith(SIMPLE)

    def test_bytes_that_are_no_utf8_are_flagged_and_readable(self, import_log: Import) -> None:
        study = import_log(SIMPLE.encode() + b"d\t0.99\t0\tkeep\tcaf\xe9\n")
        assert rows(study, "hypothesis", "flags")[4] == (r"caf\xe9", ["not UTF-8"])

    def test_the_metric_is_the_second_column_of_a_narrow_log(self, import_log: Import) -> None:
        text = SIMPLE.replace("val_bpb", "accuracy")
        with pytest.raises(
            UsageError,
            match=r"is a lower or a higher 'accuracy' better.*--goal minimize or --goal maximize",
        ):
            import_log(text)
        study = import_log(text, goal="maximize")
        assert study.status().data["objective"] == {"name": "accuracy", "goal": "maximize"}
        assert study.status().data["best"]["candidate"] == 0
        assert study.results() == text

    def test_several_metrics_are_never_mixed(self, import_log: Import) -> None:
        wide = (
            "commit\tstatus\tlatency\taccuracy\tnote\tdate\n"
            "a\tkeep\t10\t0.5\t\t\nb\tkeep\t5\t0.4\t\t\n"
        )
        with pytest.raises(
            UsageError, match=r"which column .* --metric NAME, from latency, accuracy"
        ):
            import_log(wide)
        assert import_log(wide, metric="latency", goal="minimize").status().data["best"] == {
            "candidate": 1,
            "score": 5.0,
        }
        assert import_log(wide, metric="accuracy", goal="maximize").status().data["best"] == {
            "candidate": 0,
            "score": 0.5,
        }
        with pytest.raises(UsageError, match="no column 'speed'; it has commit"):
            import_log(wide, metric="speed")
        long = (
            "metric\tdirection\tvalue\tstatus\n"
            "latency\tlower\t10\tkeep\naccuracy\thigher\t0.5\tkeep\nlatency\tlower\t8\tkeep\n"
        )
        with pytest.raises(
            UsageError, match=r"several metrics: .*--metric NAME, from latency, accuracy"
        ):
            import_log(long)
        study = import_log(long, metric="accuracy")
        assert study.status().data["objective"] == {"name": "accuracy", "goal": "maximize"}
        assert rows(study, "score", "flags") == [
            (None, ["another metric: latency"]),
            (0.5, []),
            (None, ["another metric: latency"]),
        ]

    def test_rows_of_the_other_direction_have_no_score(self, import_log: Import) -> None:
        text = "commit\tresult\tdirection\tstatus\na\t3\tlower\tkeep\nb\t9\thigher\tkeep\n"
        with pytest.raises(UsageError, match="both directions"):
            import_log(text)
        assert rows(import_log(text, goal="minimize"), "score", "flags") == [
            (3.0, []),
            (None, ["another direction: maximize"]),
        ]
        assert (
            import_log(text.replace("higher", "lower")).status().data["objective"]["goal"]
            == "minimize"
        )


class TestPi:
    def test_runs_are_rows_and_hooks_are_not(self, import_log: Import) -> None:
        text = jsonl(
            CONFIG,
            pi_run(1, 12.5, metrics={"compile_µs": 3, "bad": "x"}, description="a &lt; b &amp; c"),
            {"type": "hook", "stage": "after", "exit_code": 0},
            pi_run(2, 0, "crash"),
            pi_run(3, 11.0, "checks_failed"),
            pi_run(3, 11.5, "discard", segment=7, confidence=None),
        )
        study = import_log(text, "autoresearch.jsonl")
        assert study.status().data["objective"] == {"name": "total_µs", "goal": "minimize"}
        assert rows(study, "status", "score") == [
            ("kept", 12.5),
            ("failed", None),
            ("failed", None),
            ("discarded", 11.5),
        ]
        assert study.log().data[0]["hypothesis"] == "a < b & c"
        assert study.study.candidates[0].trials[0].metrics == {"compile_µs": 3.0, "total_µs": 12.5}
        assert study.show(3).data["fields"]["segment"] == "7"
        assert study.results().splitlines()[2] == "abc1234\t0\t0.0\tcrash\tx"
        assert study.progress().data

    def test_nothing_missing_is_made_up(self, import_log: Import) -> None:
        silent = {"run": 4, "metric": 3.0}
        text = jsonl(
            CONFIG,
            pi_run(1, 9),
            silent,
            pi_run(5, None),
            '{"run": 6, "metr',
            "[1]",
            {"metric": 8, "status": "keep"},
            "NaN",
        )
        study = import_log(text, "log.jsonl")
        assert rows(study, "status", "score") == [
            ("kept", 9.0),
            ("unknown", 3.0),
            ("kept", None),
            ("unknown", None),
            ("unknown", None),
            ("kept", 8.0),
            ("unknown", None),
        ]
        flags = [row["flags"] for row in study.log().data]
        assert flags[1:3] == [["no status"], ["no metric"]]
        assert flags[3][0].startswith("line 5 is not JSON")
        assert (flags[4], flags[5]) == (["line 6 is not a JSON object"], ["no run number"])
        assert study.show(3).data["raw"] == '{"run": 6, "metr'

    def test_a_config_after_runs_opens_a_segment_and_the_last_one_is_meant(
        self, import_log: Import
    ) -> None:
        again = {**CONFIG, "metricName": "accuracy", "bestDirection": "higher"}
        text = jsonl(
            CONFIG,
            CONFIG,
            pi_run(1, 5),
            pi_run(2, 4),
            again,
            pi_run(1, 0.5, segment=0),
            pi_run(2, 0.7),
        )
        study = import_log(text, "autoresearch.jsonl")
        assert rows(study, "score") == [(0.5,), (0.7,)]
        assert study.status().data["objective"] == {"name": "accuracy", "goal": "maximize"}
        assert rows(import_log(text, "autoresearch.jsonl", segment=0), "score") == [(5.0,), (4.0,)]
        with pytest.raises(UsageError, match="no segment 2 with runs; it has 0, 1"):
            import_log(text, "autoresearch.jsonl", segment=2)

    def test_the_direction_is_pis_own_where_a_config_is_silent_and_asked_for_without_one(
        self, import_log: Import
    ) -> None:
        silent = {name: value for name, value in CONFIG.items() if name != "bestDirection"}
        assert (
            import_log(jsonl(silent, pi_run(1, 5)), "a.jsonl").status().data["objective"]["goal"]
            == "minimize"
        )
        for lines in ([pi_run(1, 5)], [{**CONFIG, "bestDirection": "sideways"}, pi_run(1, 5)]):
            with pytest.raises(UsageError, match="--goal minimize or --goal maximize"):
                import_log(jsonl(*lines), "a.jsonl")
            assert (
                import_log(jsonl(*lines), "a.jsonl", goal="maximize").study.opened.objective.goal
                == "maximize"
            )

    def test_text_that_json_can_hold_and_a_file_cannot(self, import_log: Import) -> None:
        description = r'"\ud800\u0000\n\tx"'
        run = f'{{"run": 1, "metric": 1e999, "status": "keep", "description": {description}}}'
        study = import_log(jsonl(CONFIG, run), "a.jsonl")
        assert study.log().data[0]["flags"] == ["metric 'Infinity' is not a number"]
        study.results().encode()
        assert len(study.results().splitlines()[1].split("\t")) == 5

    def test_the_name_is_that_of_the_config(self, import_log: Import) -> None:
        assert import_log(jsonl(CONFIG, pi_run(1, 5)), ".auto/log.jsonl").name == "speed-1"


class TestRoundTrip:
    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    @pytest.mark.parametrize("last", [True, False])
    @pytest.mark.parametrize("mark", ["", "\ufeff"])
    def test_a_published_log_comes_back_byte_for_byte(
        self, import_log: Import, end: str, last: bool, mark: str
    ) -> None:
        text = mark + make_night().replace("\n", end)
        text = text if last else text.removesuffix(end)
        study = import_log(text)
        assert study.results(tsv=True) == text
        assert len(study.log()) == 126

    def test_the_command_line_gives_it_back_too(self, tmp_path: Path, run: Run) -> None:
        texts = {
            "a.tsv": make_night(),
            "b.tsv": make_night().replace("\n", "\r\n"),
            "c.tsv": SIMPLE + "\n\n",
        }
        for name, text in texts.items():
            (tmp_path / name).write_bytes(text.encode())
            assert run("import", name, "--study", name)[0] == 0
            assert run("results", "--tsv", "--study", name)[1] == text

    @given(
        rows=st.lists(
            st.tuples(
                st.one_of(
                    st.sampled_from(["baseline", "none", "HEAD"]),
                    st.text("0123456789abcdef", min_size=7, max_size=7),
                ),
                st.one_of(
                    st.floats(-10, 1e6).map(lambda value: f"{value:.6f}"),
                    st.sampled_from(["0.000000", "0.0", "nan", ""]),
                ),
                st.one_of(st.floats(0, 200).map(lambda value: f"{value:.1f}"), st.just("0.0")),
                st.sampled_from(["keep", "discard", "crash"]),
                st.text(
                    st.characters(exclude_characters="\t\n\r\0", exclude_categories=["Cs"]),
                    max_size=30,
                ),
            ),
            min_size=1,
            max_size=8,
        ),
        end=st.sampled_from(["\n", "\r\n"]),
        last=st.booleans(),
    )
    @settings(
        max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    def test_any_well_formed_log_comes_back(
        self, tmp_path: Path, rows: list[tuple[str, ...]], end: str, last: bool
    ) -> None:
        text = end.join([HEAD.rstrip("\n"), *("\t".join(row) for row in rows)]) + end * last
        file = tmp_path / "any.tsv"
        file.write_bytes(text.encode())
        with workbench.import_log(file, root=tmp_path) as study:
            assert study.results() == text
            assert [row["status"] for row in study.log().data] == [
                {"keep": "kept", "discard": "discarded", "crash": "failed"}[row[3]] for row in rows
            ]
            best = study.status().data["best"]["candidate"]
            assert best is None or rows[best][3] == "keep"
            assert len(study.frame()) == len(rows)


class TestCommandLine:
    def test_it_says_what_was_read_and_what_is_odd(self, tmp_path: Path, run: Run) -> None:
        (tmp_path / "night.tsv").write_text(SIMPLE + "d\t0.98\t0\tmaybe\tx\n" + "odd\n" * 9)
        code, out, _ = run("import", "night.tsv")
        assert code == 0
        assert out.splitlines()[0] == (
            "study night-1: 14 rows of a results.tsv, read-only; "
            "val_bpb (self-reported), lower is better"
        )
        assert "1 maybe -> unknown" in out
        assert "--status WORD=keep" in out
        assert "line 6: unknown status 'maybe'" in out
        assert "10 rows are flagged in all; autoresearch log night-1 shows them" in out
        data = json.loads(run("import", "night.tsv", "--status", "maybe=discard", "--json")[1])
        assert (data["study"], data["rows"], len(data["flagged"])) == ("night-2", 14, 9)
        assert {"word": "maybe", "means": "discard", "rows": 1} in data["words"]
        table = run("log", "night-1")[1]
        assert "1 field for 5 columns" in table
        results = json.loads(run("results", "--study", "night-1", "--json")[1])
        assert results[0]["val_bpb"] == "0.997900"
        assert "night-1" in run("list")[1]

    def test_the_options_reach_the_reader(self, tmp_path: Path, run: Run) -> None:
        (tmp_path / "x.tsv").write_text("a\t3\t4\tok\n")
        options = "--columns commit,speed,size,status --metric size --goal maximize"
        options += " --status ok=keep --study s"
        assert run("import", "x.tsv", *options.split())[0] == 0
        assert json.loads(run("status", "s", "--json")[1])["best"]["score"] == 4.0
        (tmp_path / "a.jsonl").write_text(jsonl(CONFIG, pi_run(1, 5), CONFIG, pi_run(1, 6)))
        out = run("import", "a.jsonl", "--segment", "0")[1]
        assert "segment 0 of 0 to 1; another one: --segment N" in out

    @pytest.mark.parametrize(
        ("name", "content", "words", "message"),
        [
            ("gone.tsv", None, (), "no such file"),
            ("", None, (), "is a folder; name the log in it"),
            ("x.tsv", b"", (), "is empty"),
            ("x.tsv", b"\n \r\n\xef\xbb\xbf\n", (), "is empty"),
            ("x.tsv", b"\x89PNG\n\0\0", (), "is not text (a NUL byte in line 2)"),
            ("x.tsv", "commit\tval_bpb".encode("utf-16"), (), "UTF-16"),
            ("x.tsv", HEAD.encode(), (), "holds a header and no rows"),
            ("x.tsv", b"just some words\nand more\n", (), "no tab in any line"),
            ("x.tsv", b"commit,val_bpb,status\na,1,keep\n", (), "no tab in any line"),
            (
                "x.tsv",
                b"a\tcrash\tfirst result\n",
                (),
                "is not a header; name the columns: --columns commit,",
            ),
            (
                "x.tsv",
                SIMPLE.encode(),
                ("--status", "maybe=best"),
                "a status means keep, discard or crash",
            ),
            ("x.tsv", SIMPLE.encode(), ("--status", "maybe"), "not KEY=VALUE"),
            ("x.tsv", SIMPLE.encode(), ("--columns", "a,,b"), "give every column a different name"),
            ("x.tsv", SIMPLE.encode(), ("--segment", "1"), "leave out --segment"),
            ("x.tsv", SIMPLE.encode(), ("--goal", "up"), "import --help"),
            ("x.tsv", SIMPLE.encode(), ("--study", "a/b"), "not a name for a study"),
            (
                "x.tsv",
                b"who\twhat\tnote\nme\tthis\tx\n",
                ("--goal", "minimize", "--metric", "x"),
                "no column 'x'",
            ),
            ("x.jsonl", b'{"type":"config"}\n', (), "holds no run"),
            (
                "x.jsonl",
                b'{"run": 1, "metrics": {"mem": 1}}\n',
                ("--metric", "men"),
                "no metric 'men'; its runs have mem",
            ),
            ("x.jsonl", b'{"a": 1}\n', (), "holds no run"),
            ("x.jsonl", b"not json\n", (), "holds no run"),
            ("x.jsonl", b'{"run": 1, "metric": 2}\n', ("--columns", "a,b"), "leave out --columns"),
        ],
    )
    def test_a_mistake_is_one_line_and_leaves_no_study(
        self,
        tmp_path: Path,
        run: Run,
        name: str,
        content: bytes | None,
        words: tuple[str, ...],
        message: str,
    ) -> None:
        file = tmp_path / "here" / name
        (tmp_path / "here").mkdir()
        if content is not None:
            file.write_bytes(content)
        code, out, err = run("import", str(file), *words)
        assert (code, out, err.count("\n")) == (2, "", 1), err
        assert message in err
        assert not list((tmp_path / "studies").glob("*"))

    def test_the_magic_shows_the_same(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from workbench.lab import magic

        monkeypatch.chdir(tmp_path)
        (tmp_path / "night.tsv").write_text(SIMPLE)
        assert repr(magic.run(None, "import night.tsv")).startswith("study night-1: 4 rows")
        with pytest.raises(magic.Failed, match="read-only"):
            magic.run(None, "stop --study night-1")
