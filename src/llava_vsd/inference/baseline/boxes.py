"""How far the two boxes go: gradient-boosted trees over their geometry, kept as plain arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, model_validator
from sklearn.ensemble import HistGradientBoostingClassifier

from llava_vsd.errors import VsdError
from llava_vsd.inference.baseline.arrays import Floats, Integers, expect
from llava_vsd.inference.baseline.geometry import FEATURES, geometry, mirrored_boxes
from llava_vsd.inference.baseline.statements import index, swapped
from llava_vsd.relations import RELATIONS, mirrored
from llava_vsd.schema import Triple

_LEARNING_RATE = 0.05
_ROUNDS = 80
_LEAVES = 5
_SMALLEST_LEAF = 15
_FEATURE_SHARE = 0.3  # of the features that a split may choose from
_VARIANT_WEIGHT = 0.3  # of a triple told from the object's side, and of one mirrored (chosen on VSD val)
_PRIOR_WEIGHT = 0.1  # of one average example for each relation, so that each is known
_BATCH = 1024


class BoxesModel(BaseModel):
    """An ensemble of regression trees, `_ROUNDS` for each relation.

    Attributes:
        start: score of each relation before any tree, shape [relations].
        roots: node of each tree's root, shape [rounds, relations].
        feature, threshold: of each node: go left if the feature is at most the threshold.
        left, right: nodes, each behind its parent; a leaf leads to itself.
        value: what a leaf adds to its relation's score.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    start: Floats
    roots: Integers
    feature: Integers
    threshold: Floats
    left: Integers
    right: Integers
    value: Floats

    @model_validator(mode="after")
    def _fits(self) -> BoxesModel:
        nodes = len(self.feature)
        expect("start", self.start, "float32", len(RELATIONS))
        expect("roots", self.roots, "int32", None, len(RELATIONS))
        expect("feature", self.feature, "int32", nodes)
        for name in ("left", "right"):
            expect(name, getattr(self, name), "int32", nodes)
        for name in ("threshold", "value"):
            expect(name, getattr(self, name), "float32", nodes)
        if self.roots.size and not (self.roots.min() >= 0 and self.roots.max() < nodes):
            raise ValueError("roots: expected numbers of nodes")
        if nodes and not (self.feature.min() >= 0 and self.feature.max() < len(FEATURES)):
            raise ValueError(f"feature: expected 0 to {len(FEATURES) - 1}")
        places = np.arange(nodes)
        leaf = (self.left == places) & (self.right == places)
        inner = (self.left > places) & (self.right > places) & (self.left < nodes) & (self.right < nodes)
        if not (leaf | inner).all():
            raise ValueError("left, right: expected nodes behind their parent, or the leaf itself")
        return self

    @classmethod
    def fit(cls, triples: Sequence[Triple], *, seed: int) -> BoxesModel:
        """Learns from labelled boxes, also told from the object's side and mirrored, with less weight."""
        other_side = [turned for triple in triples if (turned := swapped(triple))]
        told = [*triples, *other_side, *map(_mirrored, triples)]
        known = geometry(told)
        average = np.tile(known.mean(axis=0), (len(RELATIONS), 1))
        labels = [index(triple.relation) for triple in told] + list(range(len(RELATIONS)))
        weights = np.full(len(labels), _VARIANT_WEIGHT)
        weights[: len(triples)] = 1
        weights[len(told) :] = _PRIOR_WEIGHT
        design = np.vstack([known, average])
        fitted = HistGradientBoostingClassifier(
            learning_rate=_LEARNING_RATE,
            max_iter=_ROUNDS,
            max_leaf_nodes=_LEAVES,
            min_samples_leaf=_SMALLEST_LEAF,
            l2_regularization=1.0,
            max_features=_FEATURE_SHARE,
            early_stopping=False,
            random_state=seed,
        ).fit(design, labels, weights)
        model = cls._from_sklearn(fitted)
        if not np.allclose(model._scores(known), fitted.decision_function(known), atol=1e-4):
            raise VsdError("baseline fit: this version of scikit-learn keeps its trees in a form not known")
        return model

    @classmethod
    def _from_sklearn(cls, fitted: Any) -> BoxesModel:
        """The trees of the classifier; scikit-learn has no public way to them, so `fit` checks the outcome."""
        trees = [tree.nodes for round_ in fitted._predictors for tree in round_]
        sizes = [len(tree) for tree in trees]
        roots = np.cumsum([0, *sizes[:-1]])
        nodes = np.concatenate(trees)
        root_of = np.repeat(roots, sizes)
        leaf, places = nodes["is_leaf"].astype(bool), np.arange(len(nodes))
        exact = nodes[
            "num_threshold"
        ]  # float64, between two features, which are float32: rounded down it splits alike
        threshold = exact.astype(np.float32)
        threshold = np.where(threshold > exact, np.nextafter(threshold, np.float32(-np.inf)), threshold)
        return cls(
            start=np.ravel(fitted._baseline_prediction).astype(np.float32),
            roots=roots.reshape(-1, len(RELATIONS)).astype(np.int32),
            feature=np.where(leaf, 0, nodes["feature_idx"]).astype(np.int32),
            threshold=np.where(leaf, 0, threshold).astype(np.float32),
            left=np.where(leaf, places, root_of + nodes["left"]).astype(np.int32),
            right=np.where(leaf, places, root_of + nodes["right"]).astype(np.int32),
            value=np.where(leaf, nodes["value"], 0).astype(np.float32),
        )

    def logits(self, triples: Sequence[Triple]) -> NDArray[np.float64]:
        """Scores before normalisation, shape [triples, relations]."""
        known = geometry(triples)
        parts = [self._scores(known[at : at + _BATCH]) for at in range(0, len(known), _BATCH)]
        return np.concatenate([np.zeros((0, len(RELATIONS))), *parts])

    def _scores(self, known: NDArray[np.float32]) -> NDArray[np.float64]:
        rows = np.arange(len(known))[:, None]
        at = np.tile(self.roots.ravel(), (len(known), 1))
        while True:
            smaller = known[rows, self.feature[at]] <= self.threshold[at]
            following = np.where(smaller, self.left[at], self.right[at])
            if np.array_equal(following, at):
                break
            at = following
        added = self.value[at].astype(np.float64).reshape(len(known), *self.roots.shape)
        return np.asarray(self.start + added.sum(axis=1))


def _mirrored(triple: Triple) -> Triple:
    subject_box, object_box = mirrored_boxes(triple)
    relation = mirrored(triple.relation)
    return triple.model_copy(
        update={"subject_box": subject_box, "object_box": object_box, "relation": relation}
    )
