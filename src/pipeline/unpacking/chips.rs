//! The packed planes of frames that are calibrated one by one.

use super::{Ground, master_nbyte, packed_nbyte, packed_planes};
use crate::error::Result;
use crate::source::{Desk, FrameList, Masters, Tiles};
use crate::watch::Watch;

/// What the packed planes of a frame that is calibrated need. Tiles of one row are unpacked with the rows; higher ones, of which several
/// threads would unpack the same, once. All in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::pipeline) struct PackedChip {
    /// Bytes of a thread that unpacks rows, of all planes in turn.
    pub(in crate::pipeline) desk: u64,
    /// Bytes of a thread that unpacks a plane to a file.
    pub(in crate::pipeline) image: u64,
    /// Bytes of the planes that are unpacked once.
    pub(in crate::pipeline) once: u64,
    /// Bytes that are kept of what is packed.
    pub(in crate::pipeline) kept: u64,
    /// Bytes that unpacking a master takes.
    pub(in crate::pipeline) master: u64,
}

impl PackedChip {
    /// The need of the frame of a list, and of its masters.
    pub(in crate::pipeline) fn of(list: &FrameList, masters: &Masters) -> Self {
        let frame = &list.frames[0];
        let mut need = Self {
            kept: packed_nbyte(frame),
            master: master_nbyte(masters, list),
            ..Self::default()
        };
        for (tiles, _) in packed_planes(frame).into_iter().flatten() {
            let desk = tiles.desk_nbyte();
            if is_by_rows(tiles) {
                need.desk = need.desk.saturating_add(desk);
            } else {
                let image = desk.saturating_add(tiles.written_nbyte());
                need.image = need.image.max(image);
                need.once = need.once.saturating_add(tiles.nbyte());
            }
        }
        need
    }

    pub(in crate::pipeline) fn is_packed(&self) -> bool {
        self.desk > 0 || self.is_once()
    }

    pub(in crate::pipeline) fn is_once(&self) -> bool {
        self.image > 0
    }

    /// Makes it cover what another frame needs.
    pub(in crate::pipeline) fn cover(&mut self, other: &Self) {
        self.desk = self.desk.max(other.desk);
        self.image = self.image.max(other.image);
        self.once = self.once.max(other.once);
        self.master = self.master.max(other.master);
    }
}

/// Whether the tiles of an image have one row of one plane each.
fn is_by_rows(tiles: &Tiles) -> bool {
    tiles.height() == 1 && !tiles.is_deep()
}

impl Ground<'_> {
    /// Unpacks the planes of the frame of a list whose tiles are higher than a row.
    pub(in crate::pipeline) fn unpack_chip(
        &self,
        list: &FrameList,
        masters: &Masters,
        watch: &Watch,
    ) -> Result<()> {
        let planes = packed_planes(&list.frames[0]).into_iter().flatten();
        let tall = planes
            .map(|(tiles, _)| tiles)
            .filter(|tiles| !is_by_rows(tiles));
        let tall: Vec<_> = tall.collect();
        if tall.is_empty() {
            return Ok(());
        }
        let (reader, mut desk) = (self.reader(list, masters)?, Desk::default());
        for tiles in tall {
            let to = self.unpacked.room(tiles.nbyte())?;
            reader.unpack(0, tiles, (&to, 0), &mut desk, |_| watch.check())?;
        }
        Ok(())
    }
}
