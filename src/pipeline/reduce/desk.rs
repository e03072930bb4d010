//! The memory of a thread that calibrates frames into files: it grows to what the plan holds, and no further.

use std::sync::Arc;

use crate::calibrate::MasterLines;
use crate::decode::decode_mask_run;
use crate::error::Result;
use crate::kernel::Width;
use crate::pipeline::calibrating::{self, Calibrating, MasterDesk};
use crate::shape::Area;
use crate::source::{FrameList, Masters, Reader};
use crate::tile::{Layout, RawTile};

/// Pixels that go from stored bytes to stored bytes at a time: they stay in the nearest cache.
pub(super) const LINE: usize = 512;

/// Room for what frames share, and for a run of one of them.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) shared: SharedDesk,
    pub(super) frame: FrameDesk,
}

/// Room for a run of pixels of the masters, and of the mask of bad pixels.
#[derive(Debug)]
pub(super) struct SharedDesk {
    tile: RawTile,
    masters: MasterDesk,
    stored: Vec<u8>,
    bad: Vec<bool>,
}

/// Room for a run of pixels of one frame.
#[derive(Debug)]
pub(super) struct FrameDesk {
    /// The stored bytes of its planes, and behind them those that are written.
    pub(super) bytes: Vec<u8>,
    pub(super) value: [f64; LINE],
    pub(super) deviation: [f64; LINE],
    pub(super) masked: [bool; LINE],
}

/// What frames share of a run of pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shared<'d> {
    pub(super) masters: &'d MasterLines,
    /// Which pixels are bad in all frames; empty where there is no such mask.
    pub(super) bad: &'d [bool],
}

impl Desk {
    /// Bytes of a thread, whatever the runs are.
    pub(super) const NBYTE: usize = size_of::<Self>();

    /// Room for runs of so many pixels at most.
    pub(super) fn new(masters: &Masters, capacity: usize) -> Self {
        let layout = Layout::new(calibrating::tile_planes(masters), Vec::new(), capacity);
        Self {
            shared: SharedDesk {
                tile: RawTile::new(Arc::new(layout)),
                masters: MasterDesk::default(),
                stored: Vec::new(),
                bad: Vec::new(),
            },
            frame: FrameDesk {
                bytes: Vec::new(),
                value: [0.0; LINE],
                deviation: [0.0; LINE],
                masked: [false; LINE],
            },
        }
    }
}

impl SharedDesk {
    /// Bytes of a pixel of a run.
    pub(super) fn pixel_nbyte(list: &FrameList, masters: &Masters) -> usize {
        let stored = calibrating::tile_planes(masters).map(|plane| plane.stored.bitpix.nbyte());
        let bad = list.bad_pixels.as_ref();
        let bad = bad.map_or(0, |mask| {
            mask.image.stored.bitpix.nbyte() + size_of::<bool>()
        });
        stored.sum::<usize>() + MasterDesk::nbyte(masters, 1) + bad
    }

    /// Reads, decodes and prepares what frames share of an area.
    pub(super) fn load(
        &mut self,
        reader: &Reader<'_>,
        list: &FrameList,
        calibrating: &Calibrating<'_>,
        width: Width,
        area: &Area,
    ) -> Result<Shared<'_>> {
        let npixel = area.npixel();
        self.bad.clear();
        if let Some(mask) = &list.bad_pixels {
            let stored = &mask.image.stored;
            self.stored.resize(npixel * stored.bitpix.nbyte(), 0);
            reader.read_bad_pixels(area, &mut self.stored)?;
            self.bad.resize(npixel, false);
            decode_mask_run(width, stored, None, &self.stored, &mut self.bad);
        }
        let view = self.tile.fill(area, |plane, _, bytes| {
            calibrating::read(reader, plane, area, bytes)
        })?;
        Ok(Shared {
            masters: self.masters.load(calibrating, width, view, &(0..npixel)),
            bad: &self.bad,
        })
    }
}
