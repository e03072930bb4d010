//! ccdstream combines stacks of hundreds to thousands of FITS frames, out of core, within a memory limit.
//!
//! The program `ccdstream` makes one call of this library, and a pipeline written in Rust can make it too:
//!
//! ```
//! # fn main() -> ccdstream::Result<()> {
//! # let folder = tempfile::tempdir().expect("a folder");
//! # let card = |text: &str| format!("{text:80}");
//! # for (frame, sample) in [10_u8, 12, 200].into_iter().enumerate() {
//! #     let cards = ["SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 3", "NAXIS2  = 2", "END"];
//! #     let mut bytes = cards.map(card).concat().into_bytes();
//! #     bytes.resize(2880, b' ');
//! #     bytes.extend([sample; 6]);
//! #     bytes.resize(5760, 0);
//! #     std::fs::write(folder.path().join(format!("bias{frame}.fits")), bytes).expect("written");
//! # }
//! # let (bias, master) = (folder.path().display(), folder.path().join("master_bias.fits"));
//! use ccdstream::recipe::{Calibration, Frames, Io, Method, Output, Resources, Stack};
//! use ccdstream::{ByteSize, Recipe, Watch, combine};
//!
//! let recipe = Recipe {
//!     frames: Frames::new([format!("{bias}/bias*.fits")]),
//!     calibration: Calibration::default(),
//!     stack: Stack { method: Method::Median, ..Stack::default() },
//!     output: Output::new(master),
//!     resources: Resources { mem_limit: ByteSize(64 << 20), threads: 2, io: Io::Auto, temp_dir: None },
//! };
//! let summary = combine(&recipe, &Watch::default())?;
//! assert_eq!((summary.frames, summary.pixels, summary.empty_pixels), (3, 6, 0));
//! # Ok(())
//! # }
//! ```
//!
//! [`fn@calibrate`] takes raw frames through overscan, trim, bias, dark, flat and the rest of [`recipe::Calibration`], each into a file of its
//! own; a frame that fails leaves the others done, and the summary says why. The same steps in a [`Recipe`] calibrate frames on their way
//! into the stack.
//!
//! ```
//! # fn main() -> ccdstream::Result<()> {
//! # let folder = tempfile::tempdir().expect("a folder");
//! # let card = |text: &str| format!("{text:80}");
//! # for (name, sample) in [("bias", 10_u8), ("raw1", 50), ("raw2", 60)] {
//! #     let cards = ["SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 3", "NAXIS2  = 2", "END"];
//! #     let mut bytes = cards.map(card).concat().into_bytes();
//! #     bytes.resize(2880, b' ');
//! #     bytes.extend([sample; 6]);
//! #     bytes.resize(5760, 0);
//! #     std::fs::write(folder.path().join(format!("{name}.fits")), bytes).expect("written");
//! # }
//! # let (night, reduced) = (folder.path().display(), folder.path().join("reduced"));
//! use ccdstream::recipe::{Calibration, Folder, Frames, Io, Resources};
//! use ccdstream::{ByteSize, Reduction, Watch, calibrate};
//!
//! let recipe = Reduction {
//!     frames: Frames::new([format!("{night}/raw*.fits")]),
//!     calibration: Calibration { bias: Some(format!("{night}/bias.fits")), ..Calibration::default() },
//!     stats_section: None,
//!     folder: Folder { path: reduced.clone(), suffix: String::new(), overwrite: false, resume: false, planes: None, dtype: None, compression: None },
//!     resources: Resources { mem_limit: ByteSize(64 << 20), threads: 2, io: Io::Auto, temp_dir: None },
//! };
//! let summary = calibrate(&recipe, &Watch::default())?;
//! summary.complete()?;
//! assert_eq!(summary.frames[1].output, Some(reduced.join("raw2.fits")));
//! # Ok(())
//! # }
//! ```
//!
//! A [`Watch`] shows the progress of a run to another thread, and stops it. [`fn@plan`] and
//! [`plan_calibration`] say what a run would take, without a pixel.
//!
//! # The walk
//!
//! ```text
//!                                     ┌──── empty tiles come home ────┐
//!                                     ▼                               │
//!  frames ──► read ──RawView──► work ──────────CombinedTile──► write ──► image
//!             source            strip by strip, in cache:         sink
//!                               decode → calibrate → scale → clip → combine
//!             └──────── on each thread ────────┘
//! ```
//!
//! *read* copies the stored bytes of a row band of every frame into the tile of its thread; *work* takes the tile apart into strips of some
//! pixels of all frames, and takes each from bytes to values while it is in cache, by way of the masters where frames are calibrated; *write* puts the band at its place in the output. All
//! memory is made before the first band, so that a run cannot exceed its limit. Scale and zero of the frames, where they are to be
//! measured, are a walk before, frame by frame; so are the levels of their overscan, their sky, and the norm of the flat.
//!
//! # The house
//!
//! | room | what happens there | crates behind its door |
//! | --- | --- | --- |
//! | `pipeline` | the corridor: opens frames, plans, walks; the only room that knows threads | crossbeam-channel, rayon |
//! | `plan` | the budget, pure arithmetic | |
//! | `source` | frames: names, headers, the bytes of an area; unpacks files | glob, rlimit, bzip2, flate2, tempfile |
//! | `packed` | packed tiles become stored bytes: slices in, slices out | flate2 |
//! | `decode` | stored bytes become samples | |
//! | `overscan` | the level of each line of an overscan, fits through them | nalgebra |
//! | `calibrate` | overscan, gain, bias, dark, flat, sky of a frame | |
//! | `measure` | mean, median and mode of a frame | |
//! | `stack` | scale, clip, combine | |
//! | `sink` | the output file and its header; what is kept of a run that is cut short | tempfile, serde_json |
//! | `packing` | rows of an output, packed: slices in, slices out | flate2 |
//! | `kernel` | sorts, sums and clips of 16 pixels at a time: slices in, slices out | fearless_simd |
//! | `sys` | maps, page advice, CFITSIO: the only `unsafe` | memmap2, fitsio, libc |
//! | `demo` | frames of a made-up night, and what they come to | |
//! | words | `error` `units` `shape` `runs` `pixels` `header` `checksum` `steps` `tile` `level` `recipe` `grammar` `summary` `watch`: plain values | |
//!
//! Rooms never import one another; the corridor leads from each to the next. `tests/house.rs` holds this.
//!
//! # The words
//!
//! | word | means |
//! | --- | --- |
//! | master | a bias, a dark or a flat, which calibrates frames |
//! | frame | one input image: a file, an HDU of it, or a plane of a cube |
//! | stack | the frames that are combined, pixel to pixel |
//! | sample | one pixel of one frame; *absent* where it is not finite, BLANK or masked |
//! | pixel | one place in the output, with up to a sample a frame |
//! | value | what a pixel becomes |
//! | row band | a run of whole rows |
//! | tile | the memory with a row band of every frame, or with part of a row where no more fits |
//! | strip, block | some pixels of a tile; 16 of them, a row a frame |
//! | zero, scale, level | what is subtracted from a frame, what it is divided by; both |
//! | weight | what a frame, or a sample, counts in averages and sums |
//! | clip | a rule that rejects samples; what it leaves is kept |

mod calibrate;
mod checksum;
mod decode;
pub mod demo;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod grammar;
mod header;
pub mod kernel;
mod level;
mod measure;
mod overscan;
mod packed;
mod packing;
mod pipeline;
mod pixels;
mod plan;
pub mod recipe;
mod runs;
mod shape;
mod sink;
mod source;
mod stack;
mod steps;
mod summary;
#[expect(unsafe_code, reason = "memory maps, and the calls of CFITSIO")]
mod sys;
mod tile;
mod units;
mod watch;

pub use error::{Error, Result};
#[doc(hidden)]
pub use pipeline::BenchTile;
pub use pipeline::{calibrate, combine, plan, plan_calibration};
pub use pixels::SampleType;
pub use plan::{Packing, Part, Plan};
pub use recipe::{Recipe, Reduction};
pub use shape::{Area, Section, Shape};
pub use summary::{
    ClipCount, Memory, NeighbourCount, Noise, PackedSize, Reading, ReducedFrame, ReductionSummary,
    RoomTime, SkippedFrame, Summary, UsedLevel, WorstFrame,
};
pub use sys::settle_process;
pub use units::{ByteSize, Limit};
pub use watch::{Walk, Watch};
