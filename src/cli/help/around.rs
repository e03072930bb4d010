//! Help on what is rejected beside single samples, and on what is told of it.

/// What `--grow` takes.
pub(in crate::cli) const GROW: &str = "\
Take also what lies within so many pixels of what a step took in the same frame [default: 0]

A radius from 0 to 100, from the middle of a pixel to the middle of another: 1 are the four neighbours at its sides, 1.5 those at \
its corners too. minmax does not grow. Where a pixel would keep fewer than --nkeep samples, none is taken there. The wings of \
cosmic rays and trails are what no step sees in the noise. A band of rows is read with so many rows more above and below \
it: a small --mem-limit takes more time, never another result. As grow of IRAF.

  --clip sigma:5 --grow 1.5";

/// What `--hole-fill` takes.
pub(in crate::cli) const HOLE_FILL: &str = "\
Take also what rejected samples enclose in a frame, up to so many pixels across [default: 0]

A whole number from 0 to 100. A hole is a region of samples that hang together by their sides, enclosed by samples that are rejected \
(grown ones too) or absent, at least one of them rejected, at most N rows high and N columns wide and not at the edge. Where a \
pixel would keep fewer than --nkeep samples, none is taken there.

  --clip sigma:5 --grow 1.5 --hole-fill 5";

/// What `--rejected` writes.
pub(in crate::cli) const REJECTED: &str = "\
A folder for masks of what was rejected, one a frame [default: none]

Each is an image of bytes, packed row by row (RICE_1), of the shape of the result: 0 kept or absent, 1 taken on the low side, 2 on the high \
side, 3 as a neighbour (--grow, --hole-fill). It has the name of its frame, with HDU or plane: f1.fits, f1_2.fits of f1.fits[2]. A \
mask that exists is an error unless --overwrite is given. Until the result is whole, a file beside it holds 2 bits a sample.

  --clip sigma:5 --rejected masks/";
