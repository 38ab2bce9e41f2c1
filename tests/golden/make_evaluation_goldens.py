#!/usr/bin/env python3
"""Writes evaluation.json: the reference's two evaluators over PAIRS (README.md)."""

import numpy as np
import oracle
from sentence_transformers.sentence_transformer.evaluation import (
    BinaryClassificationEvaluator, EmbeddingSimilarityEvaluator)

FUNCTIONS = ["cosine", "dot", "euclidean", "manhattan"]

# (degree 0..5, a, b); 3 and above is "the same". Several pairs tie on purpose: a pair and its
# mirror, a pair twice with other labels, texts that differ only in case.
PAIRS = [
    (5, "A man repairs a bicycle.", "A man repairs a bicycle."),
    (5, "A man repairs a bicycle.", "a man repairs a bicycle."),
    (5, "The ferry leaves at seven.", "The ferry leaves at seven"),
    (4, "The ferry leaves at seven.", "The ferry departs at seven."),
    (4, "The ferry departs at seven.", "The ferry leaves at seven."),
    (2, "The ferry leaves at seven.", "The ferry departs at seven."),
    (4, "Two dogs chase a ball.", "A ball is chased by two dogs."),
    (3, "Two dogs chase a ball.", "Some dogs run after a ball."),
    (1, "Two dogs chase a ball.", "Two cats chase a mouse."),
    (0, "Two dogs chase a ball.", "The committee postponed its decision."),
    (4, "The committee postponed its decision.", "The decision was postponed by the committee."),
    (2, "The committee postponed its decision.", "The committee announced its decision."),
    (0, "The committee postponed its decision.", "Rain is expected in the north."),
    (5, "Rain is expected in the north.", "Rain is expected in the north!"),
    (4, "Rain is expected in the north.", "It is expected to rain in the north."),
    (2, "Rain is expected in the north.", "Snow is expected in the south."),
    (1, "Rain is expected in the north.", "Sun is expected in the south."),
    (0, "Rain is expected in the north.", "He kept his receipts in a tin."),
    (3, "He kept his receipts in a tin.", "His receipts were kept in a tin box."),
    (5, "He kept his receipts in a tin.", "HE KEPT HIS RECEIPTS IN A TIN."),
    (1, "He kept his receipts in a tin.", "She kept her letters in a drawer."),
    (0, "He kept his receipts in a tin.", "Stop!"),
    (5, "Stop!", "Stop!"),
    (3, "Stop!", "stop"),
    (0, "Stop!", "Go!"),
    (1, "Go!", "Stop!"),
    (3, "yes", "Yes, of course."),
    (0, "yes", "no"),
    (0, "no", "yes"),
    (5, "", ""),
    (0, "", "yes"),
    (4, "The price rose by 12.50 to 103.00.", "The price went up by 12.50 to 103.00."),
    (2, "The price rose by 12.50 to 103.00.", "The price fell by 12.50 to 78.00."),
    (0, "The price rose by 12.50 to 103.00.", "Nobody remembers who built the bridge."),
    (4, "Nobody remembers who built the bridge.", "No one remembers who built the bridge."),
    (3, "Nobody remembers who built the bridge.", "The builder of the bridge is forgotten."),
    (1, "Nobody remembers who built the bridge.", "Nobody remembers who painted the house."),
    (0, "Nobody remembers who built the bridge.", "Two dogs chase a ball."),
    (4, "Le garçon mange des crêpes.", "Le garcon mange des crepes."),
    (3, "Le garçon mange des crêpes.", "Le garçon mangeait une crêpe."),
    (1, "Le garçon mange des crêpes.", "Le chat dort."),
    (0, "Le garçon mange des crêpes.", "Мама мыла раму."),
    (5, "Мама мыла раму.", "мама мыла раму."),
    (3, "Мама мыла раму.", "Раму мыла мама."),
    (0, "Мама мыла раму.", "東京の空は青い。"),
    (4, "東京の空は青い。", "東京の空は青い"),
    (0, "東京の空は青い。", "شلون"),
    (5, "Is it true that the library closes at 18:30?",
     "Is it true that the library closes at 18:30?"),
    (4, "Is it true that the library closes at 18:30?", "Does the library close at 18:30?"),
    (2, "Is it true that the library closes at 18:30?", "When does the library close?"),
    (1, "When does the library close?", "When does the ferry leave?"),
    (2, "When does the ferry leave?", "The ferry leaves at seven."),
    (3, "return width * height", "return height * width"),
    (1, "return width * height", "return width + height"),
    (0, "return width * height", "Please return the ladder to the shed."),
    (4, "Please return the ladder to the shed.", "Please bring the ladder back to the shed."),
    (1, "Please return the ladder to the shed.", "Please take the ladder from the shed."),
    (0, "Please return the ladder to the shed.", "The quick answer is no."),
    (2, "The quick answer is no.", "The quick answer is yes."),
    (3, "The quick answer is no.", "The short answer is no."),
    (0, "The short answer is no.", "A man repairs a bicycle."),
    (2, "The short answer is no.", "The quick answer is yes."),
]


def plain(metrics):
    """numpy scalars as doubles: thresholds are widened fp32."""
    return {name: float(value) for name, value in metrics.items()}


def check_margins(model, a, b, labels):
    """No metric may hang on the last bits: scores of opposite labels are equal or clearly apart."""
    rows = model.encode(a, batch_size=1), model.encode(b, batch_size=1)
    for function in FUNCTIONS:
        model.similarity_fn_name = function
        scores = model.similarity_pairwise(*rows).numpy().astype(np.float64)
        order = np.argsort(scores, kind="stable")
        for i, j in zip(order, order[1:]):
            gap = scores[j] - scores[i]
            limit = 4e-6 * max(1, abs(scores[i]))
            assert gap == 0 or gap > limit or labels[i] == labels[j], (function, a[i], a[j], gap)


def evaluate(name, truncate_dim, functions):
    model = oracle.load(oracle.HERE / "models" / name)
    degrees, a, b = (list(column) for column in zip(*PAIRS))
    labels = [int(degree >= 3) for degree in degrees]
    # A text at a time: equal token ids then give equal bits, and ties stay ties.
    options = dict(batch_size=1, truncate_dim=truncate_dim, similarity_fn_names=functions,
                   write_csv=False)
    binary = BinaryClassificationEvaluator(a, b, labels, **options)
    correlation = EmbeddingSimilarityEvaluator(a, b, degrees, **options)
    result = {"model": name, "truncate_dim": truncate_dim or 0, "functions": functions,
              "binary": plain(binary(model)), "binary_primary": binary.primary_metric,
              "correlation": plain(correlation(model)),
              "correlation_primary": correlation.primary_metric}
    if not truncate_dim:
        check_margins(model, a, b, labels)
    return result


def main():
    runs = [evaluate("tiny-bert", None, FUNCTIONS), evaluate("tiny-roberta", None, FUNCTIONS),
            evaluate("tiny-bert", None, ["cosine"]), evaluate("tiny-roberta", 10, ["dot"])]
    oracle.write(oracle.HERE / "evaluation.json", {"versions": oracle.versions()},
                 {"pairs": PAIRS, "runs": runs})
    for run in runs:
        print(run)


if __name__ == "__main__":
    main()
