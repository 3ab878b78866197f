"""Every screen passes axe's rules in both themes.

So it does in a page that has neither JupyterLab's variables nor its config.
"""

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.cards import card
from tests.browser.lab import Lab, run
from tests.browser.stage import Stage, points, row, snapshot
from tests.by_hand import RECORDS, make_study
from workbench.records import StateChanged

AXE = Path(__file__).parents[2] / "extensions" / "node_modules" / "axe-core" / "axe.min.js"
THEMES = ("light", "dark")
RUN = """
async within => {
  const {violations} = await axe.run(within);
  const grave = violations.filter(({impact}) => ['serious', 'critical'].includes(impact));
  const reasons = node => node.any.concat(node.all).map(check => check.message).join('; ');
  const tell = id => node => `${id}: ${node.target} ${reasons(node)}`;
  return grave.flatMap(({id, nodes}) => nodes.map(tell(id)));
}
"""
needs_axe = pytest.mark.skipif(
    not (AXE.exists() or "CI" in os.environ), reason="no axe-core; run: cd extensions && npm ci"
)


def find_violations(page: Page, within: str) -> list[str]:
    """What axe finds below a selector: the rule, the element and why."""
    page.add_script_tag(path=AXE)
    violations: list[str] = page.evaluate(RUN, within)
    return violations


def show(page: Page, view: str, theme: str, width: int = 1000, css: str = "") -> Stage:
    """A screen with everything on it: a running study, curves, a selected candidate that waits."""
    page.set_viewport_size({"width": width + 20, "height": 1200})
    stage = Stage(page, theme, width, {"view": view, "candidate": 11})
    if css:
        page.add_style_tag(content=css)
    rows = [row(number) for number in range(16)]
    rows[5] = row(5, status="failed", score=None)
    for number in (11, 13):
        rows[number] = row(number, status="waiting")
    running = [{"candidate": 14, "trial": 0, "seed": 3, "started_at": 1.0}]
    message = snapshot(
        rows,
        running=running,
        guidance=["smaller is better"],
        audit="audit of candidate 10: 3 of 5 trials",
    )
    message["study"]["cell"] = True
    stage.deliver(message)
    stage.deliver({"type": "beat", "at": 1.0})
    stage.deliver({"type": "card", "card": card(11)})
    series = [
        {
            "id": id,
            "candidate": number,
            "trial": 0,
            "name": "loss",
            "self_reported": True,
            "running": number == 14,
        }
        for id, number in enumerate((10, 14))
    ]
    stage.deliver({"type": "series", "series": series})
    stage.deliver(
        *points({id: [(step, 1 / (step + id + 1)) for step in range(50)] for id in (0, 1)})
    )
    expect(page.locator(".ar-review-hunk").first).to_be_visible()
    return stage


@needs_axe
@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("view", ["dashboard", "review"])
def test_a_widget_is_accessible(page: Page, view: str, theme: str, width: int) -> None:
    show(page, view, theme, width)
    assert find_violations(page, "#cell") == []


@needs_axe
@pytest.mark.parametrize("theme", THEMES)
def test_panel_and_tab_are_accessible(lab: Lab, page: Page, theme: str) -> None:
    if not (lab.root / "studies" / "seen").exists():
        make_study(
            lab.root, "seen", (*RECORDS, StateChanged(state="paused", reason="paused by a person"))
        )
    lab.open(page)
    run(page, "apputils:change-theme", theme=f"JupyterLab {theme.title()}")
    page.wait_for_selector(
        f"body[data-jp-theme-light='{str(theme == 'light').lower()}']", state="attached"
    )
    run(page, "autoresearch:show-studies")
    expect(page.get_by_role("button", name="seen").first).to_be_visible()
    run(page, "autoresearch:open-newest")
    expect(page.locator(".ar-tab .ar-header")).to_contain_text("paused")
    assert find_violations(page, ".ar-panel") == []
    assert find_violations(page, ".ar-tab") == []
    assert find_violations(page, ".ar-status") == []


NAMES = (
    "layout-color1",
    "layout-color2",
    "border-color2",
    "ui-font-color1",
    "ui-font-color2",
    "brand-color1",
)
NO_JUPYTER = "body{" + ";".join(f"--jp-{name}:initial !important" for name in NAMES) + "}"
VS_CODE = {
    "light": {
        "editor-background": "#ffffff",
        "sideBar-background": "#f3f3f3",
        "panel-border": "#d4d4d4",
        "foreground": "#616161",
        "descriptionForeground": "#717171",
        "focusBorder": "#0066b8",
    },
    "dark": {
        "editor-background": "#1e1e1e",
        "sideBar-background": "#252526",
        "panel-border": "#404040",
        "foreground": "#cccccc",
        "descriptionForeground": "#a0a0a0",
        "focusBorder": "#3794ff",
    },
    "high-contrast": {
        "editor-background": "#000000",
        "sideBar-background": "#000000",
        "panel-border": "#6fc3df",
        "foreground": "#ffffff",
        "descriptionForeground": "#ffffffb3",
        "focusBorder": "#f38518",
    },
}


def channels(page: Page, name: str) -> Any:
    return page.locator(".ar-dashboard").evaluate(
        f"element => getComputedStyle(element)['{name}'].match(/\\d+/g).map(Number)"
    )


def without_jupyter(page: Page, theme: str) -> Stage:
    """The dashboard in a page like VS Code's; with the theme `none`, one that has no colours."""
    colours = ";".join(f"--vscode-{name}:{value}" for name, value in VS_CODE.get(theme, {}).items())
    stage = show(page, "dashboard", "light", css=f"{NO_JUPYTER} html{{{colours}}}")
    page.evaluate(
        """theme => {
          delete document.body.dataset.jpThemeLight;
          document.body.className = `vscode-${theme}`;
        }""",
        theme,
    )
    return stage


@needs_axe
@pytest.mark.parametrize("theme", ["none", *VS_CODE])
def test_a_page_without_jupyter_is_accessible(page: Page, theme: str) -> None:
    without_jupyter(page, theme)
    assert find_violations(page, "#cell") == []


@pytest.mark.parametrize("theme", ["none", *VS_CODE])
def test_a_page_without_jupyter_shows_it_in_its_own_colours(page: Page, theme: str) -> None:
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    stage = without_jupyter(page, theme)
    background = {
        "none": [255, 255, 255],
        "light": [255, 255, 255],
        "dark": [30, 30, 30],
        "high-contrast": [0, 0, 0],
    }[theme]
    assert channels(page, "backgroundColor") == background
    assert abs(sum(channels(page, "color")) - sum(background)) > 300
    page.locator(".ar-rows [data-status='kept']").first.click()
    expect(
        page.get_by_role("button", name="Put into the cell: run %autoresearch apply 10")
    ).to_be_visible()
    page.get_by_role("button", name="Pause", exact=True).click()
    stage.wait_for(lambda: bool(stage.said("request")))
    assert faults == []
