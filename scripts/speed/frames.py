"""Frames to measure with: uint16 sky on a slow gradient, with noise and cosmic rays.

    python scripts/speed/frames.py FOLDER NFRAME SIDE

Needs numpy and astropy. A process of its own: the peak memory that is counted for a program cannot be below
that of the process which starts it.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fits_frames import FrameFile, Image

SEED = 7
SKY, NOISE = 1000.0, 7.0
PIXELS_A_HIT = 2000


def sky(side):
    """What all frames have in common, f32."""
    row, col = np.mgrid[0:side, 0:side]
    return (SKY + 0.02 * col + 30.0 * np.sin(row / 200.0)).astype(np.float32)


def draw(rng, level):
    """One frame as uint16: noise, and a cosmic ray in one of 2000 pixels."""
    frame = level + NOISE * rng.standard_normal(level.shape, dtype=np.float32)
    nhit = level.size // PIXELS_A_HIT
    frame.reshape(-1)[rng.integers(0, level.size, nhit)] += rng.uniform(100.0, 40_000.0, nhit).astype(np.float32)
    return np.clip(np.rint(frame), 0, 65535).astype(np.uint16)


def main():
    """Write the frames f0000.fits, f0001.fits, …"""
    folder, nframe, side = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    folder.mkdir(parents=True)
    rng = np.random.default_rng(SEED)
    level = sky(side)
    for frame in range(nframe):
        stored = (draw(rng, level) ^ 0x8000).view(np.int16)
        FrameFile(Image(stored, bzero=32768.0)).write(folder / f"f{frame:04d}.fits")


if __name__ == "__main__":
    main()
