//! Whole runs of the program: a table of contents.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

/// A place for frames, runs of the program in it, and what they leave.
mod common;
/// FITS files byte by byte.
mod fits;
/// Packed frames, made here.
mod packing;

/// What needs more than one pixel at a time.
mod around;
/// Frames that are calibrated together.
mod batches;
/// Calibration: into files, and on the way into a stack.
mod calibrate;
/// The limit is a ceiling for calibration too.
mod calibrated_limits;
/// Outputs that are packed.
mod compressed_output;
/// Clip steps that go by the noise of the detector, or by the number of frames.
mod detector;
/// What is combined: every way to name frames, planes, and the headers that choose them.
mod frames;
/// Scale, zero and weight of each frame.
mod levels;
/// The file that comes out.
mod output;
/// Packed frames.
mod packed;
/// Packed frames that are damaged, and hard limits on runs that unpack.
mod packed_faults;
/// Where our rules differ from those of IRAF and Siril, and what we keep there.
mod peers;
/// The rejection rules and the methods of other programs.
mod rules;
/// How stored numbers become samples.
mod samples;
/// What happens at each pixel.
mod stack;
/// What the program says of a run, and where.
mod summary;
/// Uncertainty of the result, and the frames' own.
mod uncertainty;
/// Where packed frames are unpacked, and what that ends in.
mod unpacking;
/// Weights of frames, and the norms.
mod weights;

/// Damaged frames that are refused.
mod damage;
/// A bad command line, levels and outputs that cannot be.
mod flags;
/// Hard limits from outside.
mod hard_limits;
/// The same bytes, within the limit, however the work is cut.
mod limits;
/// Bad frames: what they end in, and that nothing is left.
mod messages;
/// Damaged frames that are read.
mod oddities;
/// Interrupted runs are taken up.
mod resume;
/// Frames that are left out because they are damaged.
mod skip_bad;
/// Runs that are cut short: full disks, signals, frames that shrink.
mod stopped;

/// The demo.
mod demo;
/// Values from an independent hand.
mod golden;
/// The house: who may import whom, doors, length of files.
mod house;
