"""The live curves in a real browser: what is drawn, how it is read, and what goes away again."""

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.stage import Stage, points, row, snapshot

INCUMBENT, RUNNING = 10, 14
N_STEPS = 100
LINGER_MS = 30_000


def series(
    id: int,
    candidate: int,
    trial: int = 0,
    name: str = "loss",
    *,
    running: bool = True,
    own: bool = False,
) -> dict[str, Any]:
    return {
        "id": id,
        "candidate": candidate,
        "trial": trial,
        "name": name,
        "self_reported": own,
        "running": running,
    }


def falling(start: float, n: int = N_STEPS) -> list[tuple[float, float]]:
    """A line from `start`, 0.01 less with each step."""
    return [(float(step), start - 0.01 * step) for step in range(n)]


class Curves:
    """A stage on which candidate 14 runs and 10 is the incumbent.

    A series is known by its index in `series`.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage, self.page = stage, stage.page
        self.series: list[dict[str, Any]] = []

    def begin(self, *series: dict[str, Any]) -> None:
        self.series += series
        self.stage.deliver({"type": "series", "series": list(series)})

    def end(self, *ids: int) -> None:
        self.stage.deliver(
            {"type": "series", "series": [{**self.series[id], "running": False} for id in ids]}
        )

    def add(self, by_series: dict[int, list[tuple[float, float]]]) -> None:
        self.stage.deliver(*points(by_series))

    def two(self) -> None:
        """The incumbent's loss falls from 3, the running one's from 2.8 and only half as far."""
        self.begin(series(0, INCUMBENT, running=False), series(1, RUNNING))
        self.add({0: falling(3.0), 1: falling(2.8, N_STEPS // 2)})

    def hover(self, share: float, plot: int = 0) -> None:
        """Puts the mouse over a plot, so far from its left edge."""
        over = self.page.locator(".ar-curve .u-over").nth(plot)
        over.scroll_into_view_if_needed()
        box = over.bounding_box()
        assert box is not None
        for nudge in (1, 0):
            self.page.mouse.move(
                box["x"] + box["width"] * share + nudge, box["y"] + box["height"] / 2
            )

    def record(self, candidate: int, trial: int = 0) -> Locator:
        toggle = self.page.get_by_role(
            "button", name=f"candidate {candidate}, trial {trial + 1}", exact=True
        )
        return self.page.locator(".ar-curves-legend tbody tr").filter(has=toggle)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def count_pixels(self, plot: int = 0, least: int = 40) -> dict[str, int]:
        """Pixels of a plot by hue, in steps of 30 degrees, or `grey`, which the grid is.

        Only pixels that are at least so opaque (of 255) count.
        """
        counts: dict[str, int] = self.page.evaluate(
            """async ([plot, least]) => {
              await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
              const canvas = document.querySelectorAll('.ar-curve canvas')[plot];
              const over = canvas.parentElement.querySelector('.u-over');
              const ratio = canvas.width / canvas.clientWidth;
              const {offsetLeft, offsetTop, clientWidth, clientHeight} = over;
              const box = [offsetLeft, offsetTop, clientWidth, clientHeight].map(n => n * ratio);
              const {data} = canvas.getContext('2d').getImageData(...box);
              const counts = {};
              for (let i = 0; i < data.length; i += 4) {
                const [r, g, b, a] = data.slice(i, i + 4);
                if (a < least) continue;
                const [high, low] = [Math.max(r, g, b), Math.min(r, g, b)];
                const width = high - low;
                let hue = 4 + (r - g) / width;
                if (high === g) hue = 2 + (b - r) / width;
                if (high === r) hue = (g - b) / width;
                const name = width < 40 ? 'grey' : String(Math.floor(((hue + 6) % 6) * 2) * 30);
                counts[name] = (counts[name] ?? 0) + 1;
              }
              return counts;
            }""",
            [plot, least],
        )
        return counts

    def count_coloured(self, plot: int = 0, least: int = 40) -> int:
        return sum(count for hue, count in self.count_pixels(plot, least).items() if hue != "grey")


@pytest.fixture
def curves(page: Page) -> Callable[..., Curves]:
    def make(
        *,
        theme: str = "light",
        width: int = 1000,
        rows: Iterable[dict[str, Any]] = (),
        **state: Any,
    ) -> Curves:
        page.set_viewport_size({"width": width + 20, "height": 1400})
        stage = Stage(page, theme, width)
        running = [{"candidate": RUNNING, "trial": 0, "seed": 3, "started_at": 1.0}]
        stage.deliver(
            snapshot(
                list(rows) or [row(number) for number in range(15)], **{"running": running, **state}
            )
        )
        stage.deliver({"type": "beat", "at": 1.0})
        return Curves(stage)

    return make


def test_without_a_curve_it_says_why(curves: Callable[..., Curves], page: Page) -> None:
    played = curves()
    empty = page.locator(".ar-curves .ar-nothing")
    expect(empty).to_have_text("no curve yet; a running trial has reported nothing so far")
    played.stage.deliver({"type": "changes", "state": snapshot([row(0)])["state"], "rows": []})
    expect(empty).to_have_text("no trial is running; select a candidate to see its curves")


def test_a_curve_grows_beside_the_incumbents(curves: Callable[..., Curves]) -> None:
    played = curves()
    played.two()
    expect(played.record(INCUMBENT)).to_contain_text("incumbent")
    expect(played.record(INCUMBENT).locator("td")).to_have_text("2.0100")
    expect(played.record(RUNNING)).to_contain_text("running")
    expect(played.record(RUNNING).locator("td")).to_have_text("2.3100−0.2000")
    before = played.count_coloured()
    played.add({1: falling(2.8)[N_STEPS // 2 :]})
    expect(played.record(RUNNING).locator("td")).to_have_text("1.8100−0.2000")
    assert before > 50
    assert played.count_coloured() > 1.5 * before


def test_nothing_moves_when_trials_come_and_go(curves: Callable[..., Curves], page: Page) -> None:
    played = curves()
    height = page.locator(".ar-curves").bounding_box()
    for id in range(8):
        played.begin(series(id, id + 1, name=f"loss {id % 3}"))
        played.add({id: falling(3.0 + id)})
    expect(page.locator(".ar-curves-legend tbody tr")).to_have_count(8)
    assert page.locator(".ar-curves").bounding_box() == height


def test_each_candidate_has_a_colour_and_each_of_its_trials_a_dash(
    curves: Callable[..., Curves], page: Page
) -> None:
    played = curves()
    played.begin(series(0, 13), series(1, RUNNING), series(2, RUNNING, 1))
    played.add({0: falling(3.0), 1: falling(2.5), 2: falling(2.0)})
    expect(page.locator(".ar-curves-swatch")).to_have_count(3)
    borders = [
        one.evaluate("one => one.style.borderTop")
        for one in page.locator(".ar-curves-swatch").all()
    ]
    colours = [border.split(maxsplit=2)[2] for border in borders]
    assert colours[0] != colours[1] == colours[2]
    assert [border.split()[1] for border in borders] == ["solid", "solid", "dashed"]
    assert (
        len([hue for hue, count in played.count_pixels().items() if hue != "grey" and count > 50])
        == 2
    )


def test_a_legend_button_hides_a_curve(curves: Callable[..., Curves], page: Page) -> None:
    played = curves()
    played.two()
    toggle = played.record(RUNNING).get_by_role("button")
    expect(toggle).to_have_attribute("aria-pressed", "true")
    assert played.count_coloured() > 50
    toggle.focus()
    page.keyboard.press("Enter")
    expect(toggle).to_have_attribute("aria-pressed", "false")
    expect(played.record(RUNNING)).to_contain_text("hidden")
    expect(toggle).to_be_focused()
    assert played.count_coloured() == 0
    page.keyboard.press("Enter")
    expect(toggle).to_have_attribute("aria-pressed", "true")
    assert played.count_coloured() > 50


def test_a_logarithm_leaves_out_what_is_not_above_zero_and_says_so(
    curves: Callable[..., Curves], page: Page
) -> None:
    played = curves()
    played.begin(series(0, RUNNING))
    played.add({0: [(0.0, 100.0), (1.0, 0.0), (2.0, -5.0), (3.0, 1.0), (4.0, 0.01), (5.0, 0.001)]})
    about = page.locator(".ar-curve-about")
    expect(about).to_have_text("")
    played.press("Log scale")
    expect(about).to_have_text("2 values ≤ 0 not drawn")
    assert played.count_coloured() > 50
    played.begin(series(1, 13))
    played.end(0)
    played.record(RUNNING).get_by_role("button").click()
    played.add({1: [(0.0, -1.0), (1.0, 0.0)]})
    expect(about).to_have_text("2 values ≤ 0 not drawn")
    assert played.count_coloured() == 0
    played.press("Log scale")
    expect(about).to_have_text("")
    assert played.count_coloured() > 50


def test_smoothing_is_a_corrected_moving_average_with_the_raw_curve_behind(
    curves: Callable[..., Curves], page: Page
) -> None:
    played = curves()
    values = [3.0, 1.0, 2.0, 6.0]
    played.begin(series(0, RUNNING))
    played.add({0: [(float(step), value) for step, value in enumerate(values[:2])]})
    slider = page.get_by_label("Smoothing")
    slider.fill("0.9")
    expect(page.locator(".ar-curves-smoothing output")).to_have_text("0.90")
    weights = [0.9 ** (len(values) - 1 - i) for i in range(len(values))]
    expect(played.record(RUNNING).locator("td")).to_have_text(f"{(0.9 * 3.0 + 1.0) / 1.9:.4f}")
    played.add({0: [(float(step), value) for step, value in enumerate(values)][2:]})
    average = sum(weight * value for weight, value in zip(weights, values, strict=True)) / sum(
        weights
    )
    expect(played.record(RUNNING).locator("td")).to_have_text(f"{average:.4f}")
    played.add({0: [(4.0 + 0.01 * step, float(step % 2)) for step in range(1000)]})
    expect(played.record(RUNNING).locator("td")).to_have_text(re.compile(r"^0\.5"))
    assert played.count_coloured(least=200) < 0.3 * played.count_coloured()
    slider.fill("0")
    expect(played.record(RUNNING).locator("td")).to_have_text("1.0000")
    assert played.count_coloured(least=200) > 0.7 * played.count_coloured()


def test_all_plots_share_the_cursor_and_the_legend_reads_it(
    curves: Callable[..., Curves], page: Page
) -> None:
    played = curves()
    played.begin(
        *(
            series(id, candidate, name=name)
            for id, (candidate, name) in enumerate(
                [
                    (INCUMBENT, "loss"),
                    (INCUMBENT, "val_bpb"),
                    (RUNNING, "loss"),
                    (RUNNING, "val_bpb"),
                ]
            )
        )
    )
    played.end(0, 1)
    played.add(
        {0: falling(3.0, 101), 1: falling(4.0, 101), 2: falling(2.5, 101), 3: falling(4.5, 101)}
    )
    expect(page.locator(".ar-curve-name")).to_have_text(
        ["val_bpb", "loss"]
    )  # the objective's first
    heads = page.locator(".ar-curves-legend thead th")
    expect(heads).to_have_text(["last values, ± to incumbent", "val_bpb", "loss"])
    played.hover(0.5, plot=1)
    expect(heads.first).to_have_text("at step 50, ± to incumbent")
    expect(played.record(RUNNING).locator("td")).to_have_text(["4.0000+0.5000", "2.0000−0.5000"])
    assert shares_of_the_cursors(page) == pytest.approx([0.5, 0.5], abs=0.02)
    page.mouse.move(1, 1)
    expect(heads.first).to_have_text("last values, ± to incumbent")
    page.get_by_role("group", name=re.compile("^loss by step")).focus()
    page.keyboard.press("Home")
    expect(heads.first).to_have_text("at step 0, ± to incumbent")
    page.keyboard.press("ArrowRight")
    expect(heads.first).to_have_text("at step 1, ± to incumbent")
    expect(played.record(INCUMBENT).locator("td")).to_have_text(["3.9900", "2.9900"])
    page.keyboard.press("Escape")
    expect(heads.first).to_have_text("last values, ± to incumbent")


def test_values_that_stand_alone_are_dots_and_leave_the_large_place_to_lines(
    curves: Callable[..., Curves], page: Page
) -> None:
    played = curves()
    names = [
        (candidate, name) for candidate in (INCUMBENT, RUNNING) for name in ("val_bpb", "loss")
    ]
    played.begin(*(series(id, candidate, name=name) for id, (candidate, name) in enumerate(names)))
    played.end(0, 1)
    played.add({0: [(100.0, 2.5)], 1: falling(3.0, 101), 2: [(100.0, 2.4)], 3: falling(2.5, 101)})
    expect(page.locator(".ar-curves-large .ar-curve-name")).to_have_text("loss")
    expect(page.locator(".ar-curves-strip .ar-curve-name")).to_have_text("val_bpb")
    assert played.count_coloured(plot=1) > 10  # half of a dot is beyond the edge
    played.press("val_bpb")
    expect(page.locator(".ar-curves-large .ar-curve-name")).to_have_text("val_bpb")
    played.press("loss")
    played.add({2: [(101.0, 2.3)]})
    expect(page.locator(".ar-curves-large .ar-curve-name")).to_have_text(
        "loss"
    )  # a person's choice stays


@pytest.mark.parametrize("last", [200, 125_000])
def test_no_label_of_a_step_is_cut_at_the_right_edge(
    curves: Callable[..., Curves], page: Page, last: int
) -> None:
    played = curves()
    played.begin(series(0, INCUMBENT), series(1, RUNNING, name="lr"))
    played.add({0: [(0.0, 3.0), (float(last), 2.0)], 1: [(0.0, 3.0), (float(last), 2.0)]})
    expect(page.locator(".ar-curve canvas")).to_have_count(2)
    played.count_pixels()  # once it is drawn
    cut = page.evaluate(
        """() => [...document.querySelectorAll('.ar-curve canvas')].map(canvas =>
          canvas.getContext('2d')
            .getImageData(canvas.width - 1, 0, 1, canvas.height).data.some(Boolean))"""
    )
    assert cut == [False, False]


def test_headings_stand_over_their_values(curves: Callable[..., Curves], page: Page) -> None:
    played = curves(width=600)
    names = [
        (candidate, name)
        for candidate in (INCUMBENT, RUNNING)
        for name in ("val_bpb", "loss", "lr")
    ]
    played.begin(*(series(id, candidate, name=name) for id, (candidate, name) in enumerate(names)))
    played.add(
        {
            id: [(0.0, value), (1.0, 1.1 * value)]
            for id, value in enumerate((2.5679, 3.1, 0.0003, 2.5, 1234.5, 0.0002))
        }
    )
    expect(played.record(RUNNING).locator("td")).to_have_count(3)
    edges = page.evaluate(
        """() => [...document.querySelectorAll('.ar-curves-legend tr')].map(row =>
          [...row.children].slice(1)
            .map(cell => Math.round(cell.children[0].getBoundingClientRect().right)))"""
    )
    assert edges[0] == edges[1] == edges[2]


def shares_of_the_cursors(page: Page) -> list[float]:
    """How far right the cursor of each plot stands, from 0 to 1."""
    shares: list[float] = page.evaluate(
        """() => [...document.querySelectorAll('.ar-curve .u-over')].map(over =>
          (over.querySelector('.u-cursor-x').getBoundingClientRect().right
            - over.getBoundingClientRect().left) / over.clientWidth)"""
    )
    return shares


def test_the_distance_is_at_the_same_step_also_between_the_incumbents_points(
    curves: Callable[..., Curves],
) -> None:
    played = curves()
    played.begin(series(0, INCUMBENT, running=False), series(1, RUNNING))
    played.add({0: [(0.0, 4.0), (10.0, 2.0)], 1: [(5.0, 3.5)]})
    expect(played.record(RUNNING).locator("td")).to_have_text("3.5000+0.5000")
    played.add({1: [(11.0, 1.0)]})
    expect(played.record(RUNNING).locator("td")).to_have_text("1.0000")


def test_a_drag_zooms_all_plots_and_a_double_click_or_the_button_takes_it_back(
    curves: Callable[..., Curves], page: Page
) -> None:
    played = curves()
    played.begin(series(0, RUNNING), series(1, RUNNING, name="accuracy"))
    played.add({0: falling(3.0, 101), 1: falling(1.0, 101)})
    whole = page.locator(".ar-curves-whole")
    expect(whole).to_be_hidden()

    def drag() -> None:
        played.hover(0.25)
        page.mouse.down()
        played.hover(0.75)
        page.mouse.up()
        expect(whole).to_be_visible()

    head = page.locator(".ar-curves-legend thead th").first
    drag()
    played.hover(0.5, plot=1)
    expect(head).to_have_text("at step 50")
    played.hover(0.02)
    expect(head).to_have_text(re.compile("at step 2[5-7]"))
    whole.click()
    expect(whole).to_be_hidden()
    drag()
    page.locator(".ar-curve .u-over").first.dblclick()
    expect(whole).to_be_hidden()
    played.hover(0.02)
    expect(head).to_have_text(re.compile("at step [1-3]$"))


def test_a_small_plot_can_be_shown_large(curves: Callable[..., Curves], page: Page) -> None:
    played = curves()
    played.begin(*(series(id, RUNNING, name=name) for id, name in enumerate("abcdefgh")))
    played.add({id: falling(1.0 + id) for id in range(8)})
    expect(page.locator(".ar-curves-large .ar-curve-name")).to_have_text("a")
    expect(page.locator(".ar-curves-strip .ar-curve-name")).to_have_text(list("bcdef"))
    expect(page.locator(".ar-curves-note")).to_have_text("not drawn: g, h")
    button = page.locator(".ar-curve-name", has_text=re.compile("^d$"))
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".ar-curves-large .ar-curve-name")).to_have_text("d")
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(button).to_be_focused()
    expect(page.locator(".ar-curves-strip .ar-curve-name")).to_have_text(list("abcef"))


def test_a_trial_that_ended_lingers_and_goes_unless_it_is_selected(
    curves: Callable[..., Curves], page: Page
) -> None:
    page.clock.install()
    played = curves()
    played.two()
    played.begin(series(2, 13))
    played.add({2: falling(2.9)})
    played.end(1, 2)
    expect(played.record(13)).to_contain_text("ended")
    expect(played.record(RUNNING)).to_contain_text("ended")
    page.locator(f'.ar-rows .ar-record[data-candidate="{RUNNING}"]').click()
    played.stage.wait_for(
        lambda: {"type": "watch", "candidates": [RUNNING]} in played.stage.said("watch")
    )
    page.clock.run_for(LINGER_MS // 2)
    expect(played.record(13)).to_be_visible()
    page.clock.run_for(LINGER_MS // 2 + 1000)
    expect(played.record(13)).to_have_count(0)
    expect(played.record(RUNNING)).to_contain_text("selected, ended")
    expect(played.record(INCUMBENT)).to_be_visible()
    played.stage.deliver({"type": "gone", "series": [1]})
    page.clock.run_for(100)
    expect(played.record(RUNNING)).to_have_count(0)


def test_of_the_incumbent_the_last_trial_is_the_reference(curves: Callable[..., Curves]) -> None:
    played = curves()
    played.begin(
        series(0, INCUMBENT, 0, running=False),
        series(1, INCUMBENT, 3, running=False),
        series(2, INCUMBENT, 4),
    )
    played.add({0: falling(3.0), 1: falling(3.1), 2: falling(3.2)})
    expect(played.record(INCUMBENT, 3)).to_contain_text("incumbent")
    expect(played.record(INCUMBENT, 4)).to_contain_text("running")
    expect(played.record(INCUMBENT, 4).locator("td")).to_have_text("2.2100+0.1000")
    expect(played.record(INCUMBENT, 0)).to_have_count(0)


def test_self_reported_series_are_marked(curves: Callable[..., Curves], page: Page) -> None:
    played = curves()
    played.begin(
        series(0, INCUMBENT, running=False),
        series(1, RUNNING, own=True),
        series(2, RUNNING, name="printed", own=True),
    )
    played.add({0: falling(3.0), 1: falling(2.8), 2: falling(1.0)})
    expect(page.locator(".ar-curve-about")).to_have_text(
        ["⚠ partly self-reported", "⚠ self-reported"]
    )
    expect(played.record(RUNNING).locator("td")).to_have_text(
        [re.compile("^⚠ 1.8100"), re.compile("^⚠ 0.0100")]
    )
    expect(played.record(INCUMBENT).locator("td").first).to_have_text("2.0100")


def test_a_long_curve_is_thinned_and_keeps_its_extremes_and_its_end(
    curves: Callable[..., Curves], page: Page
) -> None:
    played = curves()
    played.begin(series(0, RUNNING))
    n = 50_000
    values = [math.sin(step / 5) for step in range(n)]
    values[777], values[33_333], values[-1] = 9.0, -7.0, 0.5
    for start in range(0, n, 10_000):
        played.add({0: [(float(step), values[step]) for step in range(start, start + 10_000)]})
    expect(played.record(RUNNING).locator("td")).to_have_text("0.50000")
    area = page.locator(".ar-curve .u-over").evaluate("one => one.clientWidth * one.clientHeight")
    share = (
        played.count_coloured() / area
    )  # the sine's band is an eighth of the height as long as both extremes need room
    assert 0.05 < share < 0.25


def test_hidden_curves_are_not_drawn_until_they_are_seen(
    curves: Callable[..., Curves], page: Page
) -> None:
    played = curves()
    page.locator(".ar-section-curves > summary").click()
    played.two()
    page.wait_for_function(
        "() => new Promise(done => requestAnimationFrame("
        "() => requestAnimationFrame(() => done(true))))"
    )
    assert page.locator(".ar-curve canvas").count() == 0
    page.locator(".ar-section-curves > summary").click()
    expect(page.locator(".ar-curve canvas")).to_have_count(1)
    expect(played.record(RUNNING)).to_contain_text("running")


def test_names_of_series_are_text(curves: Callable[..., Curves], page: Page) -> None:
    name = '<img src=x onerror="window.harmed = 1">'
    played = curves()
    played.begin(series(0, RUNNING, name=name))
    played.add({0: falling(3.0)})
    expect(page.locator(".ar-curve-name")).to_have_text(name)
    expect(page.locator(".ar-curves-legend thead th").nth(1)).to_have_text(name)
    assert page.evaluate("window.harmed") is None
    assert page.locator(".ar-curves img").count() == 0


def test_everything_that_takes_the_focus_keeps_notebook_shortcuts_away(
    curves: Callable[..., Curves], page: Page
) -> None:
    played = curves()
    played.two()
    expect(played.record(RUNNING)).to_be_visible()
    unguarded = page.evaluate(
        """() => [...document.querySelectorAll('.ar-curves *')]
          .filter(one => one.tabIndex >= 0 || one.hasAttribute('tabindex'))
          .filter(one => one.getAttribute('data-lm-suppress-shortcuts') !== 'true')
          .map(one => one.outerHTML.slice(0, 200))"""
    )
    assert unguarded == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1000])
def test_lines_stand_out_from_the_background_in_both_themes(
    curves: Callable[..., Curves], page: Page, theme: str, width: int
) -> None:
    played = curves(theme=theme, width=width)
    played.begin(series(0, INCUMBENT, running=False), *(series(id, id) for id in range(1, 9)))
    played.add({0: falling(3.0), **{id: falling(3.0 + 0.2 * id) for id in range(1, 9)}})
    expect(page.locator(".ar-curves-swatch")).to_have_count(9)
    assert page.evaluate("document.getElementById('cell').scrollWidth") <= width
    contrasts = page.evaluate(
        """() => {
          const channel = byte => {
            const value = byte / 255;
            return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
          };
          const light = colour => {
            const [r, g, b] = colour.match(/[0-9.]+/g).map(Number);
            return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
          };
          const dashboard = document.querySelector('.ar-dashboard');
          const back = light(getComputedStyle(dashboard).backgroundColor);
          return [...document.querySelectorAll('.ar-curves-swatch')].map(one => {
            const line = light(getComputedStyle(one).borderTopColor);
            return (Math.max(line, back) + 0.05) / (Math.min(line, back) + 0.05);
          });
        }"""
    )
    assert min(contrasts) >= 3.0, contrasts
