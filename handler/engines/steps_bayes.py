"""Steps of models that compare Gaussian densities: GaussianNB and QDA."""

# Most of numpy's operations are typed Any here.
# mypy: disable-error-code="no-any-return"

import numpy as np

from handler.engines.program import Compute, Step


def _gaussian(step: Step) -> Compute:
    # Joint log-likelihoods. Arrays: `constant` (classes), `means`, `variances` (classes x
    # features), `log_priors` (classes).
    means, variances = step.arrays["means"], step.arrays["variances"]
    classes = list(
        zip(step.arrays["log_priors"], step.arrays["constant"], means, variances, strict=True)
    )

    def gaussian(data: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            columns = [
                prior + (constant - 0.5 * ((data - mean) ** 2 / variance).sum(axis=1))
                for prior, constant, mean, variance in classes
            ]
        return np.stack(columns).T

    return gaussian


def _quadratic(step: Step) -> Compute:
    # Log posteriors. Arrays: `means` (classes x features), `log_determinants`, `log_priors`
    # (classes), the n-th class's rotation, scaled, as `n`.
    means = step.arrays["means"]
    turns = [step.arrays[str(index)] for index in range(len(means))]
    determinants, priors = step.arrays["log_determinants"], step.arrays["log_priors"]

    def quadratic(data: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            norms = [
                (((data - mean) @ turn) ** 2).sum(axis=1)
                for mean, turn in zip(means, turns, strict=True)
            ]
            return -0.5 * (np.array(norms).T + determinants) + priors

    return quadratic
