"""Clicks on a screen's buttons, timed in the browser.

From the click until the screen shows that the loop has adopted it.
"""

from typing import Any

SCRIPT = """
([scope, name, verb]) => new Promise((done, failed) => {
  const group = [...document.querySelectorAll(`.ar-dashboard ${scope}`)].filter(one => one.checkVisibility()).at(-1);
  const button = [...group.querySelectorAll('button')].find(one => one.textContent === name);
  if (button?.getAttribute('aria-disabled') !== 'false') return failed(new Error(`${name} cannot be pressed: ${button?.title}`));
  const note = group.querySelector('.ar-asked');
  const begun = performance.now();
  const look = () => {
    if (/refused|no answer/.test(note.textContent)) failed(new Error(note.textContent));
    if (note.textContent !== `${verb}: adopted`) return;
    observer.disconnect();
    requestAnimationFrame(() => done((performance.now() - begun) / 1000));
  };
  const observer = new MutationObserver(look);
  observer.observe(note, {childList: true, characterData: true, subtree: true});
  button.click();
})
"""


def pressed(page: Any, name: str) -> float:
    """Presses Pause or Resume in the header; returns the seconds until the frame that shows it as adopted.

    A study that is paused has no loop: that of Resume includes a process's start.
    """
    page.wait_for_function(
        "name => [...document.querySelectorAll('.ar-dashboard .ar-header button')]"
        ".some(one => one.textContent === name && one.getAttribute('aria-disabled') === 'false')",
        arg=name,
    )
    seconds: float = page.evaluate(SCRIPT, [".ar-header", name, name.lower()])
    return seconds


def guided(page: Any, sentence: str) -> float:
    """Sends a sentence to the proposer of a study whose loop is alive.

    Returns the seconds until the frame that shows it as adopted.
    """
    page.get_by_role("textbox", name="Sentence for the proposer").fill(sentence)
    seconds: float = page.evaluate(SCRIPT, [".ar-section-steering", "Send", "guide"])
    return seconds
