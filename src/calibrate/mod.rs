//! The room where raw frames are calibrated: overscan, deviation, gain, bias, dark, flat, sky, on lines of f64.
//!
//! Numbers in, numbers out: no files, no threads. Whoever calls [`fn@calibrate`] hands it a run of pixels of one frame, decoded to f64, and
//! the same run of the masters, decoded and prepared once for all frames; whoever keeps the result rounds it, once.
//!
//! Of a stored number D of a frame, with deviation u:
//!
//! | step | value | deviation | masked |
//! | --- | --- | --- | --- |
//! | overscan | v = D − level | | |
//! | deviation | | √(g·v + readnoise²)/g, of v < 0 that of 0 | v < 0, if asked for |
//! | gain | v·g | u·g | |
//! | bias | v − b | √(u² + u_b²) | where b is |
//! | dark | v − k·d | √(u² + (k·u_d)²) | where d is |
//! | flat | v/f | √(u² + (v/f·u_f)²)/f | where f is |
//! | gain last | v·g | u·g | |
//! | sky | v − sky | | |
//!
//! The numbers are the same to the bit on every [`Width`]; `textbook.rs` has the same for one sample at a time.
//! `NOTES.md` says what they cost.

mod chain;
mod masters;
mod piece;
mod rounded;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod textbook;

use crate::kernel::Width;
use crate::recipe::Negative;
use crate::shape::Area;

pub(crate) use masters::{MasterLine, MasterLines, flat_samples};
pub(crate) use rounded::{Rounding, Taken};

/// What is done to one frame, with its numbers. What its header says is done is not in here.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct FrameSteps {
    /// What is subtracted of its rows or columns.
    pub(crate) overscan: Option<OverscanLevels>,
    /// How its samples get their deviation, in the place of what the frame brings.
    pub(crate) deviation: Option<PhotonNoise>,
    /// Electrons a count.
    pub(crate) gain: Option<f64>,
    /// Whether the gain is applied behind the flat, not before the bias.
    pub(crate) gain_last: bool,
    /// Whether the bias is subtracted.
    pub(crate) bias: bool,
    /// What the dark is multiplied by before it is subtracted.
    pub(crate) dark: Option<f64>,
    /// Whether the frame is divided by the flat.
    pub(crate) flat: bool,
    /// What is subtracted in the end.
    pub(crate) sky: Option<f64>,
}

/// The levels of an overscan, a number for each row, or for each column, of the trimmed frame.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum OverscanLevels {
    Rows(Vec<f64>),
    Columns(Vec<f64>),
}

/// The noise of photons and of the amplifier: √(gain·v + readnoise²)/gain, in counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PhotonNoise {
    /// Electrons a count, above 0.
    pub(crate) gain: f64,
    /// Electrons.
    pub(crate) readnoise: f64,
    /// Whether negative samples are masked; their deviation is that of 0.
    pub(crate) negative: Negative,
}

/// Where a run of pixels lies; runs go on from the end of a row to the beginning of the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run<'a> {
    /// The pixel of the area with which it begins, along its rows from 0.
    pub(crate) first: usize,
    /// Rows and columns of the trimmed frame.
    pub(crate) area: &'a Area,
}

/// A run of pixels of one frame on its way.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    /// Stored values in, calibrated values out; what is not finite does not become so.
    pub(crate) value: &'a mut [f64],
    /// Standard deviations, where the frame, a master that is applied or [`FrameSteps::deviation`] brings them; 0 where the frame brings none.
    pub(crate) deviation: Option<&'a mut [f64]>,
    /// Set, where masks are wanted, where a master or the sample is masked; otherwise left as it is.
    pub(crate) masked: Option<&'a mut [bool]>,
}

impl Run<'_> {
    /// The row and column of the frame at which the run begins.
    #[inline(always)]
    fn row_col(self) -> (usize, usize) {
        let Area { rows, cols } = self.area;
        (
            rows.start + self.first / cols.len(),
            cols.start + self.first % cols.len(),
        )
    }
}

impl FrameSteps {
    /// Whether the steps can mask a sample of the run that the masters are of.
    pub(crate) fn masks(&self, masters: &MasterLines) -> bool {
        let negative = self
            .deviation
            .is_some_and(|noise| noise.negative == Negative::Mask);
        negative || self.applied(masters).any(|line| !line.masked.is_empty())
    }

    /// Bias, dark and flat, as far as they take part.
    fn each<'a>(&self, masters: &'a MasterLines) -> [Option<&'a MasterLine>; 3] {
        [
            masters.bias.as_ref().filter(|_| self.bias),
            masters.dark.as_ref().filter(|_| self.dark.is_some()),
            masters.flat.as_ref().filter(|_| self.flat),
        ]
    }

    /// The masters that take part.
    fn applied<'a>(&self, masters: &'a MasterLines) -> impl Iterator<Item = &'a MasterLine> {
        self.each(masters).into_iter().flatten()
    }
}

/// Calibrates a run of pixels of one frame, in place. The masters hold at least the pixels of the run; a step whose master is not there is
/// not done.
pub(crate) fn calibrate(
    width: Width,
    steps: &FrameSteps,
    masters: &MasterLines,
    place: Run<'_>,
    line: Line<'_>,
) {
    width.vectorize(
        #[inline(always)]
        || chain::of_line(steps, masters, place, line),
    );
}
