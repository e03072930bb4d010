"""What goes because of its neighbours, over whole frames: what is grown round rejected samples, and what they enclose.

Readings of the reference
  * A sample is grown from one of its frame that a step took, but for minmax, at most `grow` pixels away, from middle to
    middle; what is grown does not grow.
  * A hole is a region of samples that are left, connected by their sides, at most `hole_fill` rows high and columns wide,
    not at the edge, with samples round it that are rejected (by whatever step, or grown) or absent, not all absent.
  * At a pixel that would keep fewer than nkeep samples nothing is grown, and nothing filled.
  * Edges are those of what is combined.
"""

import numpy as np
from scipy import ndimage

LOW, HIGH, NEIGHBOUR = 1, 2, 3


def near(seeds, radius):
    """Where a seed of the frame (row, col) is at most the radius away."""
    if not seeds.any():
        return seeds
    row, col = np.indices(seeds.shape)
    its_row, its_col = ndimage.distance_transform_edt(~seeds, return_distances=False, return_indices=True)
    return (row - its_row) ** 2 + (col - its_col) ** 2 <= radius * radius


def enclosed(kept, rejected, largest):
    """What is in holes of a frame (row, col), found by walking from sample to sample."""
    inside, seen = np.zeros(kept.shape, bool), np.zeros(kept.shape, bool)
    for start in zip(*np.nonzero(kept), strict=True):
        if seen[start]:
            continue
        region, border, is_open = [start], set(), False
        seen[start] = True
        for row, col in region:
            for place in ((row - 1, col), (row + 1, col), (row, col - 1), (row, col + 1)):
                if not (0 <= place[0] < kept.shape[0] and 0 <= place[1] < kept.shape[1]):
                    is_open = True
                elif not kept[place]:
                    border.add(place)
                elif not seen[place]:
                    seen[place] = True
                    region.append(place)
        rows, cols = np.array(region).T
        small = np.ptp(rows) < largest and np.ptp(cols) < largest
        if small and not is_open and any(rejected[place] for place in border):
            inside[rows, cols] = True
    return inside


def add_neighbours(codes, seeds, present, least, doubts, recipe):
    """Marks in the codes (frame, row, col) what goes besides; `least` is how many have to stay at each pixel.

    Returns where there are doubts then. What a step rejects only ever adds to what grows and to what encloses, so what is
    the same whether the samples in doubt are all left or all rejected is certain.
    """
    steps = []
    if recipe.grow:
        steps.append(lambda _, seeds: near(seeds, recipe.grow))
    if recipe.hole_fill:
        steps.append(lambda kept, rejected: enclosed(kept, rejected, recipe.hole_fill))
    for number, step in enumerate(steps):
        grows = number == 0 and recipe.grow
        kept, going = present & (codes == 0), seeds if grows else codes > 0

        def reached(kept, going, step=step):
            return np.stack([step(*frame) for frame in zip(kept, going, strict=True)])

        taken = kept & reached(kept, going)
        if doubts.any():
            fewest = reached(kept | (doubts & present), going & ~doubts)
            most = reached(kept & ~doubts, going | (doubts & present))
            doubts = doubts | (kept & (fewest != most)).any(axis=0)
        stay = (kept & ~taken).sum(axis=0) >= least
        codes[taken & stay] = NEIGHBOUR
    return doubts
