"""The harness under improvement.

What the frozen model is shown, what is remembered, and how its reply is read.
"""

import json
from collections import Counter

SELECT = "recent"  # which examples a prompt shows; one of: recent, similar
N_EXAMPLES = 8
TEXT_CHARS = 120  # of each example and of the text itself; what is longer is cut
MIN_LETTERS = 3  # of the words by which examples are compared
RARE_WORDS = 0.0  # how much more a rare word counts in that than a frequent one
BEST_LAST = False  # the most similar example next to the question
NAME_LABELS = True  # the prompt lists the labels that there are


class MemorySystem:
    """Remembers labelled examples, and shows the model some of them."""

    def __init__(self, llm, labels):
        """`llm(prompt)` is the frozen model.

        Text in, text out. `labels` are all answers that can be right.
        """
        self.llm = llm
        self.labels = labels
        self.examples = []  # [text, label], in the order in which they came
        self.frequency = Counter()

    def predict(self, input):
        """Returns `(answer, metadata)` before the truth is known."""
        reply = self.llm(self.prompt(input))
        labels = [label for label in self.labels if label in reply]
        return max(labels, key=len, default=""), {"reply": reply}

    def learn_from_batch(self, results):
        """Takes what predictions came to.

        Dicts with `input`, `prediction`, `ground_truth`, `was_correct`, `metadata`.
        """
        for result in results:
            self.remember(result["input"], result["ground_truth"])

    def get_state(self):
        """All that a new process needs to go on from here, as text."""
        return json.dumps(self.examples)

    def set_state(self, state):
        for text, label in json.loads(state):
            self.remember(text, label)

    def remember(self, text, label):
        self.examples.append([text, label])
        self.frequency.update(self.words(text))

    def prompt(self, text):
        lines = []
        if NAME_LABELS:
            lines = ["Labels: " + ", ".join(self.labels), "Answer with the label only.", ""]
        for example, label in self.choose(text):
            lines += [f"Text: {example[:TEXT_CHARS]}", f"Label: {label}", ""]
        return "\n".join([*lines, f"Text: {text[:TEXT_CHARS]}", "Label:"])

    def choose(self, text):
        if SELECT == "recent":
            return self.examples[max(0, len(self.examples) - N_EXAMPLES) :]
        words = self.words(text)
        best = sorted(
            self.examples, key=lambda example: -self.likeness(words, self.words(example[0]))
        )[:N_EXAMPLES]
        return best[::-1] if BEST_LAST else best

    def words(self, text):
        return {word for word in text.lower().split() if len(word) >= MIN_LETTERS}

    def likeness(self, words, others):
        shared = sum(self.frequency[word] ** -RARE_WORDS for word in words & others)
        return shared / (1 + len(words) * len(others)) ** 0.5
