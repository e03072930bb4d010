//! The longer texts of `--help`. Tables are narrow enough for a terminal of 80 columns; clap wraps the rest.

mod around;

pub(super) use around::{GROW, HOLE_FILL, REJECTED};

/// Ends the help of the program.
pub(super) const PROGRAM: &str = "\
Examples:
  ccdstream demo
  ccdstream combine -o master_bias.fits --clip sigma:5 bias/
  ccdstream calibrate -o reduced/ --bias master_bias.fits --flat flat.fits raw/
  ccdstream combine --help

Exit status: 0 done; 1 the run failed; 2 the command line is wrong;
130, 143 or 129 stopped by SIGINT, SIGTERM or SIGHUP.";

/// Ends the short help of `combine`.
pub(super) const COMBINE_SHORT: &str = "\
Examples:
  ccdstream combine -o master_bias.fits --clip sigma:5 bias/
  ccdstream combine -o flat.fits -m median --scale median 'flats/*.fits'
  ccdstream combine -o dark.fits --where 'EXPTIME>=60' --mem-limit 1G night1/

What frames and clip steps may be, the steps of a calibration, and more examples: ccdstream combine --help";

/// Begins the long help of `combine`.
pub(super) const COMBINE_LONG: &str = "\
Combine a stack of frames, pixel by pixel, into one image.

At each pixel, every frame gives a sample x, absent where it is NaN or infinite, equals BLANK, or is masked by the \
MASK plane of its frame or by --bad-pixels. Absent samples take part in nothing. Then

  calibrate  the steps under Calibration, as ccdstream calibrate does
             them, on the way: no calibrated frame is written
  scale      y = (x - zero) / scale * scale_to + zero_to: one zero and one
             scale a frame
  reject     the --clip steps, in the order given, each on what the one
             before left
  combine    what is left becomes one value, with its uncertainty and its
             mask; where nothing is left, the value is NaN and the mask 1

There may be more frames than memory holds: they are read in bands of rows, each pixel once (and again where scale, \
zero or noise are measured), within --mem-limit. The same frames and choices give the same file, whatever the limit, the \
threads and the way of reading.";

/// Ends the long help of `combine`.
pub(super) const COMBINE_AFTER: &str = "\
Examples:
  A master bias from every FITS file in a folder, within 1 GiB:
    ccdstream combine --mem-limit 1G --clip sigma:5 -o bias.fits bias/

  A flat, each frame divided by its median in the middle of the chip:
    ccdstream combine -m median --scale median \\
        --stats-section '[500:1600,500:1600]' -o flat.fits 'flats/*.fits'

  The long darks of a night, with maps of the samples left and taken:
    ccdstream combine --where IMAGETYP=dark --where 'EXPTIME>=60' \\
        --planes data,mask,uncertainty,count,low,high -o dark.fits night1/

  Aligned science frames: sky matched to the first, cosmic rays rejected,
  each sample weighted by its uncertainty:
    ccdstream combine --zero median --zero-to first --weight ivar \\
        --clip sigma:,4,iters=converge --uncertainty propagate \\
        -o m31.fits @m31.txt

  Raw frames of a night, calibrated on the way into the stack:
    ccdstream combine --overscan BIASSEC --trim TRIMSEC \\
        --bias bias.fits --flat flat_V.fits --clip sigma:3 \\
        --scale key:EXPTIME -o deep.fits raw/

  Every image extension of a mosaic camera, in turn:
    ccdstream combine --hdu all -o mosaic.fits mosaic/

  What a run would need, without running it:
    ccdstream combine --dry-run --mem-limit 64M -o out.fits frames/

  In a job that may be killed, to be started again and again:
    ccdstream combine --resume -o out.fits frames/

Exit status: 0 done; 1 the run failed; 2 the command line is wrong;
130, 143 or 129 stopped by SIGINT, SIGTERM or SIGHUP. Unless it is 0, the output is
as it was before, and what was done may be kept for --resume.";

/// Ends the short help of `calibrate`.
pub(super) const CALIBRATE_SHORT: &str = "\
Examples:
  ccdstream calibrate -o reduced/ --bias bias.fits --flat flat_V.fits raw/
  ccdstream calibrate -o reduced/ --overscan BIASSEC --trim TRIMSEC 'raw/*.fits'
  ccdstream calibrate -o out/ --dark dark.fits --dark-scale --mem-limit 1G raw/

What each step does, in which order, and more examples: ccdstream calibrate --help";

/// Begins the long help of `calibrate`.
pub(super) const CALIBRATE_LONG: &str = "\
Calibrate frames: overscan, bias, dark, flat and their kin, each frame into a file of its own.

These steps are done, of those that are asked for, in this order:

  overscan   subtract the level of the overscan from each row or column
  trim       keep a section; CRPIX and LTV follow
  deviation  an uncertainty from photons and read noise
  mask       what the masks of the frame and --bad-pixels say
  gain       counts become electrons (with --gain-last behind the flat)
  bias       subtract a master
  dark       subtract a master, scaled by the exposures if asked for
  flat       divide by a master over its norm
  sky        subtract one number a frame
  limits     --below and --above

so that I = ((D - overscan) * gain - bias - dark * k) / flat, computed in f64 and rounded once. Uncertainties add in \
quadrature, and a pixel that is masked in the frame or in a master is masked in the result. Each step leaves a card \
and a line of HISTORY in the header; a step that the header says is done already is skipped, with a note.

With --hdu all, the chips of a multi-extension file are calibrated in turn, each with the chip \
of its name in the masters. A frame that fails leaves the others done; the end of the run says which and why.";

/// Ends the long help of `calibrate`.
pub(super) const CALIBRATE_AFTER: &str = "\
Examples:
  Everything that a night needs, with uncertainties:
    ccdstream calibrate -o reduced/ --overscan BIASSEC --trim TRIMSEC \\
        --bias bias.fits --dark dark.fits --dark-scale \\
        --flat flat_V.fits --gain GAIN --readnoise RDNOISE \\
        --deviation raw/

  An overscan with a slope, clipped, in a section of its own:
    ccdstream calibrate -o reduced/ --overscan '[2049:2080,*]' \\
        --overscan-fit legendre:2 --overscan-clip 3,3,2 \\
        --trim '[1:2048,*]' raw/

  Frames with a data quality plane, of which bits 1 and 4 are bad:
    ccdstream calibrate -o reduced/ --mask-hdu DQ --mask-bits 1,4 \\
        --bias bias.fits raw/

  Flats of a filter, unexposed pixels masked, into a folder of their own:
    ccdstream calibrate -o flats/ --where FILTER=V --suffix _b \\
        --bias bias.fits --below 200=mask raw/

  Every chip of a mosaic camera, the flat with one norm for all:
    ccdstream calibrate --hdu all -o reduced/ --bias bias.fits \\
        --flat flat.fits --flat-norm-over mef mosaic/

  What a run would need, without running it:
    ccdstream calibrate --dry-run -o reduced/ --bias bias.fits raw/

Exit status: 0 all frames are done; 1 some or all failed; 2 the command line is wrong;
130, 143 or 129 stopped by SIGINT, SIGTERM or SIGHUP: what was calibrated by then stays.
No file is ever there in part.";

/// What the overscan is.
pub(super) const OVERSCAN: &str = "\
Subtract the level of the overscan [default: none]

  [2049:2080,*]  its section in the untrimmed frame, in pixels from 1,
                 both ends included
  BIASSEC        the keyword that holds the section of each frame; one
                 that runs over the edge is cut there, with a warning

Each line of the section comes to one level, of its samples that are finite and not masked. It is subtracted from the \
row or column that the line lies in.";

/// What can be fitted to the overscan.
pub(super) const OVERSCAN_FIT: &str = "\
Curve through the levels of the lines, by least squares [default: none]

  none         each line has its own level
  poly:N       a polynomial of degree N
  legendre:N   Legendre polynomials up to degree N (IRAF: order N + 1)
  chebyshev:N  Chebyshev polynomials up to degree N (IRAF: order N + 1)
  spline3:N    a cubic spline of N pieces (IRAF: order N)

poly:0 is one level for the whole frame.";

/// What the bits of a mask are.
pub(super) const MASK_BITS: &str = "\
Bits of the masks beside the frames (--mask-hdu) that are bad [default: all]

  1,4  a sample is masked where bit 1 or bit 4 is set; bits are given by
       their values, powers of 2, with , + or | between them
  12   one number alone may be several bits: 4 and 8
  ~2   where any bit but 2 is set
  all  where any bit is set

This is the list of bits that count. The ignore_bits of ccdproc lists those that do not: its 2 is ~2 here, its ~2 is 2. \
--bad-pixels is not concerned.";

/// What a frame may be.
pub(super) const FRAMES: &str = "\
Frames, in any of these forms:
  f.fits               one file: .fits .fit .fts, upper case too
  f.fits[2]            one HDU of it, by number; 0 is the primary
  f.fits[SCI,2]        one HDU of it, by EXTNAME and EXTVER
  night1/              every FITS file directly in a folder, by name
  'night*/bias*.fits'  a pattern that the shell did not expand
  @frames.txt          a list: one frame a line, relative to the list,
                       # begins a comment
  @-                   a list on standard input
A 3-D image counts as NAXIS3 frames; calibrate takes one image a file.";

/// What is left out with `--skip-bad`.
pub(super) const SKIP_BAD: &str = "\
Leave damaged frames out, where one is an error otherwise, and list them at the end

Damaged is a frame whose file cannot be opened, is no FITS file, is cut short or contradicts itself, so that its pixels \
are not known. The summary and the header of the result list them. A frame that is whole but does not go with the others \
(another shape or unit, no such HDU or keyword) stays an error: see --where.";

/// What clip steps there are.
pub(super) const CLIP: &str = "\
Take samples away before combining; repeatable, in the order given [default: none]

  auto                what serves the number of frames best, see below
  minmax:LO,HI        those below LO or above HI, before scaling;
                      an empty side is no bound
  extrema:NLOW,NHIGH  the NLOW lowest and the NHIGH highest
  sigma:LOW,HIGH      those below c - LOW*s or above c + HIGH*s;
                      sigma:3 is sigma:3,3; an empty side is no bound
  percentile:LOW,HIGH   those farther than LOW or HIGH times the median
                        from it; 3 samples and more
  pclip:K,LOW,HIGH      as sigma, s being how far the K-th sample above
                        the median (below, where K is negative) is from
                        it; |K| below 1 is a part of one side (IRAF)
  winsorized:LOW,HIGH   as sigma, until nothing changes, s being 1.134
                        times the standard deviation of samples that are
                        drawn in to 1.5 s (Siril)
  median-sigma:LOW,HIGH as sigma, until nothing changes, s being the
                        standard deviation where what was taken counts
                        as the median (Siril)
  linear-fit:LOW,HIGH   those far from a line through the sorted samples,
                        in units of their mean distance from it, until
                        nothing changes; 5 samples and more (Siril)
  poisson:LOW,HIGH      as sigma, until nothing changes, s being
                        sqrt(max(1, c)) times a number that each row of
                        the result has, from the scatter in it: for 3 to
                        6 frames without known gain (IRAF avsigclip)
  esd:FRACTION,ALPHA    outliers by the generalized extreme Studentized
                        deviate, at most FRACTION of the samples; where
                        there are none, some are found with probability
                        ALPHA; esd is esd:0.3,0.05
  rcr[:LIMIT]           one after the other those as which fewer than
                        LIMIT are expected: by the median and the 68.3 %
                        deviation, then by mean and standard deviation;
                        rcr is rcr:0.5 (robust Chauvenet rejection)
  ccd:LOW,HIGH,gain=G,rdnoise=R[,snoise=S]
                        as sigma, until nothing changes, s being the noise
                        of the detector at the median, of each frame its
                        own: s^2 = (R/G)^2 + I/G + (S*I)^2 for the signal
                        I; 2 samples and more (IRAF ccdclip)
  cr:HIGH,gain=G,rdnoise=R[,snoise=S]
                        the same on the high side alone (IRAF crreject)

G is in electrons per unit of the samples, R in electrons, S is a part of the signal [0]; each is a number, or the KEYWORD \
that holds that of its frame. After --gain samples are in electrons, and G is 1 where it is not given. Samples must hold all the \
light that fell: take a sky away by --zero, not by --sky.

auto is nothing for 2 frames, of which nothing tells the right one (cr can); for 3 to 7 sigma:4,4,iters=converge, which stands two \
bad samples of five; for 8 to 19 winsorized:3,3, the sharpest there; from 20 on sigma:4,4,iters=converge, which loses fewest good \
samples. docs/rejection.md has the measurements. The plan, the summary and the header say what was chosen.

A step that can take nothing of so few frames is refused before anything is read: fewer than 3, or 2 for ccd and cr, or 5 for \
linear-fit. A warning tells where an outlier hides itself in the deviation that it makes.

Options of sigma, each behind a comma, the default first:

  center=median|mean  what c is
  dev=mad|std         what s is: 1.4826 * median|y - median|, where
                      that is 0 1.2533 * mean|y - median|; or the
                      standard deviation about the mean (ddof 0)
  iters=1|N|converge  how often it is done on what is left
  floor=0             s is never taken below this, in units of y";

/// What the memory limit covers.
pub(super) const MEM_LIMIT: &str = "\
Peak memory of the whole process, in bytes [default: 50%]

The limit covers everything that is resident: samples, output, maps of files, the stacks of threads, the program \
itself. 64M, 1G and 1GiB are binary, 1GB is decimal, 50% is of the memory that the process may use: the least of \
the physical memory, the limits of its control groups and its own (ulimit). A limit that is too small ends the run at \
once and names the smallest that would do.";

/// What `--method` means.
pub(super) const METHOD: &str = "\
How the samples that are left become one value

  average     the sum of w*y over the sum of w, of the weights w
  median      the middle sample, or the mean of the middle two
  sum         the sum of w*y
  min, max    the lowest, the highest
  lmedian     the median, but of two samples the lower (IRAF)
  quantile:Q  at part Q, 0 to 1, of the way from the lowest to the
              highest by rank, in between by distance
  std         the standard deviation, ddof 1
  mad         1.4826 * median|y - median|
  mode        the mean of the fullest bin, as --scale mode; of fewer than
              10 samples the median
  quadrature  the root of the sum of (w*y)^2, over the sum of w

Weights count in average, sum and quadrature. Only average, median, sum and lmedian have an uncertainty.";

/// What `--uncertainty` means.
pub(super) const UNCERTAINTY: &str = "\
What the uncertainty of the result, one standard deviation, is made from

  scatter    the scatter of the samples that are left: for an average
             without weights s/sqrt(n), s with ddof 1
  propagate  the uncertainties of the frames; a sample without one is
             absent, a frame without them an error
  none       nothing: there is no uncertainty plane";

/// What `--scale` and `--zero` may be.
pub(super) const SCALE: &str = "\
What each frame is divided by

  none                nothing
  mean, median, mode  that of its samples in --stats-section
  mad                 their spread, 1.4826 * median|x - median| (not
                      for --zero)
  median*mad          their median times their spread (not for --zero)
  key:KEYWORD         a number from its header
  1.5,2,...           numbers, one a frame
  @file               numbers from a file, with blanks, commas or new
                      lines between them; # begins a comment";

/// What `--norm` stands for.
pub(super) const NORM: &str = "\
Bring the frames to the first, by the names of Siril's -norm [default: none]

  none      nothing
  add       --zero median --zero-to first
            medians become the same by adding
  mul       --scale median --scale-to first
            medians become the same by multiplying
  addscale  --zero median --zero-to first --scale mad --scale-to first
            spreads by multiplying, then medians by adding
  mulscale  --scale median*mad --scale-to first
            multiplied by the ratio of the medians and that of the spreads

It goes alone, without the flags that it stands for. Siril 1.0 has other measures of the same: the median and the biweight midvariance \
of samples within 4 sigma, without those that are 0. add is for a sky that comes and goes, mul for flats; addscale also for \
a changing transparency, where the spread is that of the field and not of noise.";

/// What `--weight` may be.
pub(super) const WEIGHT: &str = "\
What each frame counts in an average, a sum or a quadrature

  none         all the same
  exposure     EXPTIME, which must be there and positive
  noise        1/s^2, s being the noise of the frame in --stats-section
               as it is scaled: from differences of samples near each
               other, which are deaf to the sky, its gradients and stars
  key:KEYWORD  a number from its header
  1.5,2,...    numbers, one a frame
  @file        numbers from a file, as for --scale
  ivar         each sample by one over the square of its uncertainty

Weights are 0 or above. They have no say in what is rejected. -vv tells those by noise.";

/// What `--compress` does.
pub(super) const COMPRESS: &str = "\
Pack the images that are written, row by row, as fpack does: none, rice or gzip.

rice is small and fast; it packs whole numbers, so floats are rounded to a part of their noise (see --quantize). gzip keeps \
every bit of every plane unless --quantize is given, and is larger and slower. Whole numbers keep every bit either way. CFITSIO, astropy and funpack \
read such files: the image is the first extension then.

The name of the output says nothing of it: the file is packed under the very name that is given, by custom one in .fits.fz. \
One in .fz without --compress is refused. The plain file is written first, and packed when it is whole: for that time the disk \
has to hold both.";

/// What `--quantize` does.
pub(super) const QUANTIZE: &str = "\
Round floats that are packed to their noise over Q, or none: keep every bit [default: 4 for rice, none for gzip]

The noise is measured in each row. A dither, always the same, keeps the rounding from showing: a value is off by half a step \
at most, sums and averages are not. NaN stays NaN. The larger Q is, the larger is the file: with Q = 4 the rounding adds 0.3 % to \
the noise, with 16 it adds 0.02 %. A row without noise keeps every bit. With none, floats are gzipped, also by rice.";
