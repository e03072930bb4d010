//! The memory that frames, their headers and their calibration take, for the plan.

use std::collections::HashMap;

use super::{Job, Overscans, flat_norm_nbyte};
use crate::calibrate::FrameSteps;
use crate::error::Result;
use crate::recipe::Io;
use crate::source::{Raw, TOGETHER};

/// Copies of the cards of a frame's header that are held while the header of the output is made.
pub(in crate::pipeline) const HEADER_COPIES: usize = 6;
/// Bytes of a card.
pub(in crate::pipeline) const CARD: usize = 80;
/// What is kept of the steps of a frame beside them and its levels: where they wait for those of the others, what the allocator adds.
const FRAME: usize = 192;

impl Job<'_> {
    /// Bytes that a thread takes to find what is not measured on calibrated samples.
    pub(in crate::pipeline) fn nbyte(&self) -> Result<usize> {
        let frames = || self.list.frames.iter();
        let overscan = self.calibration.overscan.as_ref().map_or(0, |overscan| {
            let nbyte = frames().map(|frame| Overscans::nbyte(overscan, frame));
            nbyte.max().unwrap_or(0)
        });
        let flat = match &self.calibration.flat {
            Some(flat) => flat_norm_nbyte(flat, self.masters)?,
            None => 0,
        };
        Ok(overscan.max(flat))
    }

    /// Bytes that are kept of all frames because they are calibrated: what their headers say, their steps, the levels of their
    /// overscans.
    pub(in crate::pipeline) fn frames_nbyte(&self) -> usize {
        let overscan = self.calibration.overscan.as_ref();
        let frames = self.list.frames.iter().filter(|frame| frame.raw.is_some());
        let kept = frames.map(|frame| {
            let levels = overscan.map_or(0, |overscan| Overscans::levels_nbyte(overscan, frame));
            size_of::<Raw>() + size_of::<FrameSteps>() + FRAME + levels
        });
        kept.sum()
    }

    /// Bytes that headers take: while a file is opened all of its own, and as many again that are read or kept; while an output is
    /// made copies of those that it begins with.
    pub(in crate::pipeline) fn header_nbyte(&self) -> usize {
        let masters = self.masters.all().map(|(_, master)| master.header_nbyte);
        let opened = masters.fold(self.list.header_nbyte, usize::max);
        let primary = self.list.primary.as_ref();
        let ncard =
            self.list.first.cards().len() + primary.map_or(0, |header| header.cards().len());
        (HEADER_COPIES * CARD * ncard).max(2 * opened)
    }

    /// How many files are read, and their bytes.
    pub(in crate::pipeline) fn files(&self) -> (usize, u64) {
        let frames = self.list.frames.iter();
        let frames = frames.map(|of| (&of.path, of.stamp, &of.packed));
        let masters = self.masters.all();
        let masters = masters.map(|(_, of)| (&of.path, of.stamp, &of.packed));
        let mask = self.list.bad_pixels.iter();
        let mask = mask.map(|of| (&of.path, of.stamp, &of.packed));
        let lengths = frames
            .chain(masters)
            .chain(mask)
            .map(|(path, stamp, packed)| {
                let unpacked = packed.as_ref().and_then(|packed| packed.unpacked_length());
                (path, unpacked.unwrap_or(stamp.length))
            });
        let lengths: HashMap<_, _> = lengths.collect();
        (lengths.len(), lengths.values().sum())
    }

    /// Bytes that a read of rows takes beside those that are asked for, where `ncol` columns are: parts of rows are read together.
    pub(in crate::pipeline) fn reading_nbyte(&self, io: Io, ncol: usize) -> usize {
        let cut = self
            .list
            .frames
            .iter()
            .any(|frame| frame.image.pitch != ncol);
        if cut && io != Io::Mmap { TOGETHER } else { 0 }
    }
}
