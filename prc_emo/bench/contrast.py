"""How much better is one arm than another, when dialogues and training seeds could both have been others?

A bootstrap over dialogues asks what other dialogues would have shown of these very models; it is silent about what other
seeds would have trained. Here both are drawn: the S seeds x D dialogues of a comparison are a crossed design with
two random effects, and its variance is taken apart like that of a two-way table (one observation a cell). Since wF1 is
no mean over dialogues, the table holds jackknife pseudo-values (Tukey 1958; Efron and Tibshirani 1993, section 11).

Letters: S seeds, D dialogues, K labels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from prc_emo.bench.significance import Statistic, wf1_of
from prc_emo.errors import PrcEmoError


@dataclass(frozen=True, slots=True)
class Contrast:
    """The difference a - b of a figure, meant over S seeds.

    Attributes:
        low, high: 95 % interval over other dialogues and, with two seeds or more, other seeds.
        p: Two-sided, that there is no difference, of the same t statistic as the interval; with fewer seeds than
            `seeds_needed` at least that of the t test over seeds alone. The variance of so few is now and then far too
            small by chance, and those are the differences that an adjustment for several comparisons leaves over.
        p_seeds: Exact two-sided p of the sign permutation test over seeds; it cannot be below 2 / 2^S. None for one seed,
            and where all seeds are alike, as of a baseline that knows no chance.
        se: Standard error behind the interval.
        df: Its degrees of freedom (Satterthwaite).
        seed_sd: Standard deviation of the difference over seeds, None for one seed.
        detectable: The smallest true difference that such a design finds at the 5 % level four times out of five, were it the
            only one among its comparisons.
    """

    value: float
    low: float
    high: float
    p: float
    p_seeds: float | None
    se: float
    df: float
    seed_sd: float | None
    detectable: float

    @property
    def effect_size(self) -> float | None:
        """The difference in standard deviations over seeds (Cohen's d of paired differences); None where there is none."""
        return self.value / self.seed_sd if self.seed_sd else None


def contrast(
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    *,
    statistic: Statistic = wf1_of,
    confidence: float = 0.95,
    power: float = 0.8,
    comparisons: int = 1,
) -> Contrast:
    """The difference a - b of the figure.

    Args:
        a, b: Confusion matrices per dialogue and seed, (D, S, K, K + 1); dialogues and seeds of both in the same order.
        statistic: Of confusion matrices summed over dialogues, such as `wf1_of`.
        comparisons: Of how many it is one, which Holm's adjustment makes harder to find.

    Raises:
        PrcEmoError: There is one dialogue only.
    """
    dialogues, seeds = a.shape[:2]
    if dialogues < 2:
        raise PrcEmoError(
            "Expected two dialogues or more to compare on, got one: nothing tells what others would show."
        )
    whole, without = (statistic(_sum(a)) - statistic(_sum(b)), statistic(_others(a)) - statistic(_others(b)))
    pseudo = dialogues * whole - (dialogues - 1) * without  # (D, S)
    value = float(whole.mean())
    variance, df = _variance_of_mean(pseudo)
    se = float(np.sqrt(variance))
    reach = float(stats.t.ppf((1 + confidence) / 2, df))
    seed_sd = float(whole.std(ddof=1)) if seeds > 1 else None
    if seed_sd is not None and np.ptp(whole) < 1e-12:
        seed_sd = 0.0
    tests = [(se, df)]
    if seed_sd and seeds < seeds_needed(1 - confidence):
        tests.append((seed_sd / np.sqrt(seeds), seeds - 1.0))
    return Contrast(
        value=value,
        low=value - reach * se,
        high=value + reach * se,
        p=max(_p(value, *test) for test in tests),
        p_seeds=sign_permutation(whole) if seed_sd else None,
        se=se,
        df=df,
        seed_sd=seed_sd,
        detectable=max(_detectable(*test, (1 - confidence) / comparisons, power) for test in tests),
    )


def sign_permutation(differences: NDArray[np.float64]) -> float:
    """Two-sided p that these (S,) differences are as likely to be negative as positive; exact for up to 16 seeds."""
    found = stats.permutation_test(
        (differences,),
        np.mean,
        permutation_type="samples",
        vectorized=True,
        axis=0,
        n_resamples=2**16,
        rng=np.random.default_rng(0),
    )
    return float(found.pvalue)


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Holm's (1979) step-down adjustment: p values of one family, made fit to be compared with 0.05 each."""
    by_size = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[by_size] = np.minimum(1, np.maximum.accumulate(p[by_size] * np.arange(len(p), 0, -1)))
    return adjusted


def seeds_needed(level: float = 0.05) -> int:
    """The fewest seeds with which the sign permutation test can reach this level: 6 for 0.05."""
    return next(seeds for seeds in range(1, 64) if 2 / 2**seeds <= level)


def _p(value: float, se: float, df: float) -> float:
    return float(2 * stats.t.sf(abs(value) / se, df)) if se else float(value == 0)


def _detectable(se: float, df: float, level: float, power: float) -> float:
    return float(stats.t.ppf(1 - level / 2, df) + stats.t.ppf(power, df)) * se


def _variance_of_mean(table: NDArray[np.float64]) -> tuple[float, float]:
    """Variance of the mean of a (D, S) table of two crossed random effects, and its degrees of freedom.

    With mean squares MD, MS, MI of dialogues, seeds and interaction: (MD + MS - MI) / (D S), by Satterthwaite's rule.
    MD alone where chance makes the interaction larger than the seeds.
    """
    dialogues, seeds = table.shape
    mean = table.mean()
    by_dialogue, by_seed = table.mean(axis=1) - mean, table.mean(axis=0) - mean
    of_dialogues = seeds * float((by_dialogue**2).sum()) / (dialogues - 1)
    if seeds == 1:
        return of_dialogues / dialogues, float(dialogues - 1)
    of_seeds = dialogues * float((by_seed**2).sum()) / (seeds - 1)
    rest = table - mean - by_dialogue[:, None] - by_seed[None, :]
    df_rest = (dialogues - 1) * (seeds - 1)
    of_rest = float((rest**2).sum()) / df_rest
    if of_seeds <= of_rest:
        return of_dialogues / table.size, float(dialogues - 1)
    total = of_dialogues + of_seeds - of_rest
    spread = of_dialogues**2 / (dialogues - 1) + of_seeds**2 / (seeds - 1) + of_rest**2 / df_rest
    # never fewer degrees of freedom than the seeds alone have
    return total / table.size, max(total**2 / spread, float(seeds - 1))


def _sum(confusion: NDArray[np.float64]) -> NDArray[np.float64]:
    return confusion.sum(axis=0)  # (S, K, K + 1)


def _others(confusion: NDArray[np.float64]) -> NDArray[np.float64]:
    return confusion.sum(axis=0) - confusion  # (D, S, K, K + 1): all dialogues but one
