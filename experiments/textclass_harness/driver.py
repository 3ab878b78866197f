"""Lies in the sandbox beside the harness and speaks for it.

The model, the truths and the counting are on the evaluator's side.
"""

import json

import harness
from workbench_evaluator import ask

# predictions that went wrong while it learnt, with their prompts, printed into the trial's log
MAX_TRACES = 40

memory = None
traces = 0
prompts = []  # of each prediction since the last `learn`, its prompts


def llm(prompt: str) -> str:
    """The frozen model."""
    if type(prompt) is not str:
        raise TypeError(f"the model was asked {type(prompt).__name__}; a prompt is text")
    if prompts:
        prompts[-1].append(prompt)
    return ask("model", prompt)


def begin(labels: list) -> None:
    global memory
    memory = harness.MemorySystem(llm, labels)


def predict(text: str) -> list:
    """The harness's answer, and its metadata."""
    prompts.append([])
    answer, metadata = memory.predict(text)
    if type(answer) is not str or type(metadata) is not dict:
        raise TypeError(
            f"predict returned {type(answer).__name__} and {type(metadata).__name__}; it must "
            "be (text, dict)"
        )
    return [answer, metadata]


def learn(results: list) -> None:
    """Shows the truths of a batch, and prints what went wrong in it."""
    global traces
    for result, result_prompts in zip(results, prompts, strict=True):
        if not result["was_correct"] and traces < MAX_TRACES:
            traces += 1
            print(json.dumps({**result, "prompts": result_prompts}))
    prompts.clear()
    memory.learn_from_batch(results)


def get_state() -> str:
    return memory.get_state()


def set_state(state: str) -> None:
    memory.set_state(state)
