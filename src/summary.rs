//! What a run did, in numbers: what the program prints at its end, and as JSON.

use std::path::PathBuf;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::pixels::SampleType;
use crate::shape::Shape;
use crate::units::ByteSize;

/// What a run did.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The file that was written.
    pub output: PathBuf,
    /// The version of ccdstream.
    pub version: &'static str,
    /// How many frames were combined.
    pub frames: usize,
    /// How many image extensions were combined: 1 but for `--hdu all`.
    pub extensions: usize,
    /// The shape of the (first) output.
    pub shape: Shape,
    /// The type in which samples were carried.
    pub sample_type: SampleType,
    /// What packing made of the output, where it was packed.
    pub packed: Option<PackedSize>,
    /// The frames that were left out because they are damaged, in order.
    pub skipped: Vec<SkippedFrame>,
    /// Pixels of the output, over all extensions.
    pub pixels: u64,
    /// Pixels of them that an interrupted run had done, which this one took up.
    pub resumed_pixels: u64,
    /// Pixels at which no sample was left.
    pub empty_pixels: u64,
    /// Each clip step, in order.
    pub clip: Vec<ClipCount>,
    /// What was taken as the neighbour of what they took: grown, then enclosed.
    pub neighbours: Vec<NeighbourCount>,
    /// The folder of the masks of rejected samples, where they were asked for.
    pub rejected: Option<PathBuf>,
    /// The frames that lost most samples to the clip steps, worst first, ten at most.
    pub worst_frames: Vec<WorstFrame>,
    /// How each frame entered the stack, in order, over all extensions; none where frames are neither scaled nor weighed.
    pub levels: Vec<UsedLevel>,
    /// Noise of the result against that of the first frame.
    pub noise: Noise,
    /// Memory: what was allowed, planned and used.
    pub memory: Memory,
    /// What was read.
    pub reading: Reading,
    /// The rooms of the walk: read, work, write.
    pub rooms: Vec<RoomTime>,
    /// Wall time of the run in seconds.
    pub seconds: f64,
    /// Threads that worked on pixels.
    pub threads: usize,
    /// The vector instructions in use.
    pub vectors: String,
    /// What a user should know that is not an error.
    pub warnings: Vec<String>,
}

/// What packing made of a file.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct PackedSize {
    /// Bytes of the plain file.
    pub plain: ByteSize,
    /// Bytes of the packed one.
    pub packed: ByteSize,
}

/// What the calibration of frames, each into a file of its own, did.
#[derive(Clone, Debug, Serialize)]
pub struct ReductionSummary {
    /// The folder of the files that were written.
    pub folder: PathBuf,
    /// The version of ccdstream.
    pub version: &'static str,
    /// Each frame, in order.
    pub frames: Vec<ReducedFrame>,
    /// The frames that were left out because they are damaged, in order.
    pub skipped: Vec<SkippedFrame>,
    /// Memory: what was allowed, planned and used.
    pub memory: Memory,
    /// What was read.
    pub reading: Reading,
    /// The rooms of the walk: read, work, write.
    pub rooms: Vec<RoomTime>,
    /// Wall time of the run in seconds.
    pub seconds: f64,
    /// Threads that worked on pixels.
    pub threads: usize,
    /// The vector instructions in use.
    pub vectors: String,
    /// What a user should know that is not an error.
    pub warnings: Vec<String>,
}

impl ReductionSummary {
    /// How many frames failed.
    pub fn failed(&self) -> usize {
        self.frames.iter().filter(|f| f.fault.is_some()).count()
    }

    /// Returns whether all frames are done.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] where one is not.
    pub fn complete(&self) -> Result<()> {
        match self.failed() {
            0 => Ok(()),
            failed => Err(Error::Failed {
                failed,
                frames: self.frames.len(),
            }),
        }
    }
}

/// What became of one frame. The chips of a multi-extension file are frames of their own with one output.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReducedFrame {
    /// The frame, by file name and HDU or plane.
    pub frame: String,
    /// The file that was written; `None` where the frame failed.
    pub output: Option<PathBuf>,
    /// Why it failed; `None` where it did not.
    pub fault: Option<String>,
    /// What is worth knowing of it: steps that were skipped because its header says that they are done.
    pub notes: Vec<String>,
    /// Pixels that were written.
    pub pixels: u64,
    /// Those of them that are masked.
    pub masked_pixels: u64,
    /// The mean of the levels of the overscan of its lines, in counts.
    pub overscan_level: Option<f64>,
    /// Electrons a count that it was multiplied by.
    pub gain: Option<f64>,
    /// What the dark was multiplied by: the exposure of the frame over that of the dark, or 1.
    pub dark_factor: Option<f64>,
    /// The sky that was subtracted, in units of the calibrated frame.
    pub sky: Option<f64>,
}

/// A frame that was left out because it is damaged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SkippedFrame {
    /// The frame, by file name and HDU.
    pub frame: String,
    /// What is wrong with it.
    pub fault: String,
}

impl SkippedFrame {
    /// Bytes that it takes.
    pub(crate) fn nbyte(&self) -> u64 {
        (size_of::<Self>() + self.frame.len() + self.fault.len()) as u64
    }
}

/// What a clip step took.
#[derive(Clone, Debug, Serialize)]
pub struct ClipCount {
    /// The step as it is typed: `sigma:3,3`.
    pub step: String,
    /// Samples that it took on the low side.
    pub low: u64,
    /// Samples that it took on the high side.
    pub high: u64,
    /// The frames that lost most samples to this step, worst first, three at most.
    pub worst_frames: Vec<WorstFrame>,
}

/// What was taken as the neighbour of what clip steps took.
#[derive(Clone, Debug, Serialize)]
pub struct NeighbourCount {
    /// How: `grow 1.5`, `hole-fill 5`.
    pub step: String,
    /// Samples that it took.
    pub taken: u64,
    /// The frames that lost most samples to it, worst first, three at most.
    pub worst_frames: Vec<WorstFrame>,
}

/// A frame and what it lost.
#[derive(Clone, Debug, Serialize)]
pub struct WorstFrame {
    /// Its name.
    pub frame: String,
    /// Samples of it that clip steps took.
    pub rejected: u64,
    /// The same as a part of its pixels, 0 to 1.
    pub fraction: f64,
}

/// How a frame entered the stack: y = (x − zero) / scale · scale_to + zero_to.
#[derive(Clone, Debug, Serialize)]
pub struct UsedLevel {
    /// Its name.
    pub frame: String,
    /// What was subtracted.
    pub zero: f64,
    /// What it was divided by.
    pub scale: f64,
    /// What it was multiplied by again.
    pub scale_to: f64,
    /// What was added again.
    pub zero_to: f64,
    /// What its samples count; `None` where frames have no weights, or each sample its own.
    pub weight: Option<f64>,
}

impl UsedLevel {
    /// Bytes that one takes whose frame has a name of so many.
    pub(crate) fn nbyte(name: usize) -> u64 {
        (size_of::<Self>() + name) as u64
    }
}

/// Noise, robustly from the differences of adjacent pixels, in units of the output.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Noise {
    /// Of the first frame, scaled as it enters the stack; NaN where it cannot be told.
    pub one_frame: f64,
    /// Of the combined values.
    pub result: f64,
}

/// Memory: what was allowed, planned and used.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Memory {
    /// The limit.
    pub limit: ByteSize,
    /// Resident memory that the plan holds.
    pub planned: ByteSize,
    /// Room that the plan keeps free beside: for page tables, files, huge pages under maps.
    pub reserve: ByteSize,
    /// The peak resident memory of the process (VmHWM); `None` where the system does not tell.
    pub peak: Option<ByteSize>,
    /// The page tables of the process at the end of the walk (VmPTE): part of what the kernel took.
    pub page_tables: Option<ByteSize>,
}

/// What was read.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Reading {
    /// Bytes of pixels read from the frames and their companion planes, over all walks.
    pub bytes: u64,
    /// The same over the bytes that the frames and companions have: how often each pixel was read.
    pub passes: f64,
    /// Tiles that the combining walk took.
    pub tiles: usize,
    /// Rows of a tile; 1 where a tile is part of a row.
    pub tile_rows: usize,
}

/// How long a room worked and waited, summed over its threads.
#[derive(Clone, Debug, Serialize)]
pub struct RoomTime {
    /// read, work or write.
    pub room: &'static str,
    /// Seconds at work.
    pub busy: f64,
    /// Seconds spent waiting for a neighbour.
    pub waited: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::ByteSize;

    #[test]
    fn a_reduction_is_complete_when_no_frame_failed() {
        let frame = |fault: Option<&str>| ReducedFrame {
            fault: fault.map(Into::into),
            ..ReducedFrame::default()
        };
        let mut summary = ReductionSummary {
            folder: "reduced".into(),
            version: "0",
            frames: vec![frame(None), frame(None)],
            skipped: vec![],
            memory: Memory {
                limit: ByteSize(0),
                planned: ByteSize(0),
                reserve: ByteSize(0),
                peak: None,
                page_tables: None,
            },
            reading: Reading {
                bytes: 0,
                passes: 0.0,
                tiles: 0,
                tile_rows: 0,
            },
            rooms: vec![],
            seconds: 0.0,
            threads: 1,
            vectors: String::new(),
            warnings: vec![],
        };
        assert!(summary.complete().is_ok());
        for message in [
            "1 of 2 frames could not be calibrated; the others are written",
            "2 of 2 frames could not be calibrated",
        ] {
            let good = summary.frames.iter().position(|f| f.fault.is_none());
            summary.frames[good.expect("one is left")] = frame(Some("no overscan"));
            let fault = summary.complete().err();
            assert_eq!(fault.as_ref().map(Error::exit_code), Some(1));
            assert_eq!(
                fault.map(|error| error.to_string()).as_deref(),
                Some(message)
            );
        }
    }
}
