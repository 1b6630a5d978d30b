"""A product of experts with weights, and a bias for each relation: how models join, and how they are calibrated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, model_validator
from scipy.optimize import minimize

from llava_vsd.inference.baseline.arrays import Floats, expect
from llava_vsd.relations import RELATIONS

Table = NDArray[np.float64]
"""Log probabilities of one expert, shape [triples, relations]."""

_WEIGHT_PENALTY = 30.0  # ridge, on the distance of the weights from an equal share: it matters for few items
_BIAS_PENALTY = 10.0


def log_softmax(logits: Table) -> Table:
    """Normalised logarithms over the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


class Pool(BaseModel):
    """p(relation) ~ exp(bias) * product over experts of p_expert ** weight.

    Of one expert the weight is an inverse temperature.

    Attributes:
        weights: shape [experts].
        bias: shape [relations].
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    weights: Floats
    bias: Floats

    @model_validator(mode="after")
    def _fits(self) -> Pool:
        expect("weights", self.weights, "float32", None)
        expect("bias", self.bias, "float32", len(RELATIONS))
        return self

    @classmethod
    def fit(cls, experts: Sequence[Table], labels: NDArray[np.intp]) -> Pool:
        """Finds the likeliest weights and bias (a convex problem), with a ridge penalty.

        Args:
            experts: their log probabilities, from models that have not seen these labels.
            labels: the right column of each row.
        """
        tables = np.stack(experts)
        count, rows = len(tables), np.arange(len(labels))
        start = np.concatenate([np.full(count, 1 / count), np.zeros(len(RELATIONS))])
        penalty = np.repeat([_WEIGHT_PENALTY, _BIAS_PENALTY], [count, len(RELATIONS)])

        def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            log_p = log_softmax(np.tensordot(parameters[:count], tables, 1) + parameters[count:])
            wrong = np.exp(log_p)
            wrong[rows, labels] -= 1
            away = parameters - start
            gradient = np.concatenate([(tables * wrong).sum(axis=(1, 2)), wrong.sum(axis=0)])
            value = -log_p[rows, labels].sum() + 0.5 * (penalty * away**2).sum()
            return float(value), gradient + penalty * away

        found = minimize(loss, start, jac=True, method="L-BFGS-B").x.astype(np.float32)
        return cls(weights=found[:count], bias=found[count:])

    def log_probabilities(self, experts: Sequence[Table]) -> Table:
        """The joint verdict of as many experts as it was fitted for, shape [triples, relations]."""
        weighted = np.tensordot(self.weights.astype(np.float64), np.stack(experts), 1)
        return log_softmax(weighted + self.bias)
