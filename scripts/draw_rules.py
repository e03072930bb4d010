"""Draws the clip steps that a textbook judges (rejection_rules.py), and what goes with a chain of steps."""

from dataclasses import replace

import numpy as np

import rejection_draw
import rejection_rules as rules
from recipe import ByTextbook, MinMax

EXACT = ("percentile", "pclip")
ODD_FACTORS = [1.1, 1.7, 2.3, 2.7, 3.2, 4.3, 5.1]


def chance(rng, share):
    """True in that share of the draws."""
    return bool(rng.random() < share)


def pick(rng, choices):
    """One of the choices."""
    return choices[int(rng.integers(len(choices)))]


def draw_linear_fit(rng):
    """A linear fit whose factors are no halves: a sample alone on its side of the line is n/2 mean distances from it."""
    low, high = pick(rng, ODD_FACTORS), pick(rng, ODD_FACTORS)
    return ByTextbook(f"linear-fit:{low},{high}", lambda y, nkeep: rules.linear_fit(y, low, high, nkeep), 5)


def draw_of_pixels(rng, outline, cards):
    """A rule that looks at the samples of a pixel alone; no linear fit of few whole numbers, which meet its bounds."""
    step = pick(rng, rejection_draw.RULES)(rng, outline.level, outline.spread)
    if step.text.startswith("linear-fit"):
        return draw_of_pixels(rng, outline, cards) if outline.whole else draw_linear_fit(rng)
    return ByTextbook(step.text, step.rule, step.fewest, exact=step.text.split(":")[0] in EXACT)


def draw_auto(_, outline, *__):
    """The rule that the number of frames asks for: a clip by the MAD, or winsorized."""
    return ByTextbook("auto", rejection_draw.automatic, 1, exact=not 8 <= outline.size[0] < 20)


def draw_poisson(rng, *_):
    """The rule that goes by the noise of rows."""
    low, high = rejection_draw.factor(rng), rejection_draw.factor(rng)

    def rule(y, nkeep, row):
        return rules.poisson(y, row, low, high, nkeep)

    return ByTextbook(f"poisson:{low},{high}", rule, 3, exact=True, by_row=True)


def draw_detector(rng, outline, cards):
    """ccd or cr, the numbers of the detector as such or in keywords of the frames, which have unlike ones then.

    The read noise is never a whole number of counts, so that no bound meets whole samples by rounding.
    """
    nframe = outline.size[0]
    name, low, high = pick(rng, ["ccd", "cr"]), rejection_draw.factor(rng), rejection_draw.factor(rng)
    drawn = {
        "gain": np.round(rng.uniform(0.2, 3.0, nframe), 2),
        "rdnoise": np.round(rng.uniform(0.5, 20.0, nframe), 2) + 0.003,
        "snoise": np.round(rng.uniform(0.0, 0.03, nframe), 3),
    }
    words, model = [], {}
    for key, numbers in drawn.items():
        if key == "snoise" and chance(rng, 0.6):
            model[key] = np.zeros(nframe)
        elif chance(rng, 0.5) and not outline.cubes:
            model[key] = numbers
            # Another keyword for each step.
            keyword = f"{key.upper()}{len(cards[0]):X}"
            words.append(f"{key}={keyword}")
            for card, value in zip(cards, numbers.tolist(), strict=True):
                card[keyword] = value
        else:
            model[key] = np.full(nframe, numbers[0])
            words.append(f"{key}={float(numbers[0])!r}")

    def rule(y, nkeep, pairs):
        scale, zero = np.array(pairs).T
        return rules.ccd(y, rules.NO_BOUND if name == "cr" else low, high, **model, scale=scale, zero=zero, nkeep=nkeep)

    factors = f"{high}" if name == "cr" else f"{low},{high}"
    return ByTextbook(f"{name}:{factors},{','.join(words)}", rule, 2, exact=True, scaled=True)


def draw_rule(rng, outline, cards):
    """One of the rules."""
    kinds = [draw_of_pixels] * 4 + [draw_detector] * 2 + [draw_poisson, draw_auto]
    return pick(rng, kinds)(rng, outline, cards)


def once(steps):
    """The steps without a second poisson, which is refused."""
    rows = [step for step in steps if isinstance(step, ByTextbook) and step.by_row]
    return tuple(step for step in steps if step not in rows[1:])


def draw_neighbours(rng, recipe):
    """What goes besides, where a step rejects by the samples; and masks of what went."""
    if any(not isinstance(step, MinMax) for step in recipe.clip):
        grow = pick(rng, [0, 0, 0, 0.7, 1, 1.5, 2, 2.3, 5])
        recipe = replace(recipe, grow=grow, hole_fill=pick(rng, [0, 0, 0, 0, 1, 2, 3, 6]))
    return replace(recipe, rejected=bool(recipe.clip) and chance(rng, 0.4))
