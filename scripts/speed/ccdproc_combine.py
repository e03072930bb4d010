"""One `ccdproc.combine` as a process of its own.

python scripts/speed/ccdproc_combine.py CASE FOLDER OUT MEM_LIMIT_BYTES
"""

import sys
import warnings
from pathlib import Path

import numpy as np

warnings.filterwarnings("ignore")

import ccdproc  # noqa: E402

CASES = {
    "mean": {"method": "average"},
    "median": {"method": "median"},
    "sigma": {
        "method": "average",
        "sigma_clip": True,
        "sigma_clip_low_thresh": 3,
        "sigma_clip_high_thresh": 3,
        "sigma_clip_func": "mean",
        "sigma_clip_dev_func": "std",
    },
    "mad": {
        "method": "average",
        "sigma_clip": True,
        "sigma_clip_low_thresh": 5,
        "sigma_clip_high_thresh": 5,
        "sigma_clip_func": "median",
        "sigma_clip_dev_func": "mad_std",
    },
}


def main():
    """Combine the frames of the folder."""
    case, folder, out, limit = sys.argv[1:]
    names = sorted(map(str, Path(folder).glob("*.fits")))
    ccdproc.combine(
        names,
        output_file=out,
        overwrite_output=True,
        unit="adu",
        dtype=np.float32,
        mem_limit=float(limit),
        **CASES[case],
    )


if __name__ == "__main__":
    main()
