//! What is packed of a file: all of it, or images tile by tile, or both.

use std::sync::Arc;

use crate::pixels::Image;
use crate::source::tiles::Tiles;
use crate::source::unpacked::Whole;

/// What is packed of a file.
#[derive(Debug)]
pub(crate) struct PackedFile {
    /// The temporary file to which it was unpacked.
    pub(super) whole: Option<Arc<Whole>>,
    /// Its packed images, as far as they were asked for.
    tiles: Box<[Arc<Tiles>]>,
}

/// The same only where it is read from the same places.
impl PartialEq for PackedFile {
    fn eq(&self, other: &Self) -> bool {
        let whole = match (&self.whole, &other.whole) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        };
        let mut tiles = self.tiles.iter().zip(&other.tiles);
        let same = tiles.all(|(one, other)| Arc::ptr_eq(one, other));
        whole && same && self.tiles.len() == other.tiles.len()
    }
}

impl PackedFile {
    /// `None` where nothing is packed.
    pub(super) fn of(whole: Option<Arc<Whole>>, tiles: Box<[Arc<Tiles>]>) -> Option<Self> {
        (whole.is_some() || !tiles.is_empty()).then_some(Self { whole, tiles })
    }

    /// A file with these packed images.
    pub(super) fn with(&self, tiles: Box<[Arc<Tiles>]>) -> Arc<Self> {
        let whole = self.whole.clone();
        Arc::new(Self { whole, tiles })
    }

    /// The packed images.
    pub(crate) fn all_tiles(&self) -> &[Arc<Tiles>] {
        &self.tiles
    }

    /// The tiles of an image; `None` where it is not packed.
    pub(crate) fn tiles(&self, image: &Image) -> Option<&Arc<Tiles>> {
        let hdu = image.packed?;
        self.tiles.iter().find(|tiles| tiles.hdu() == hdu)
    }

    /// Bytes that it takes itself.
    pub(crate) fn nbyte(&self) -> u64 {
        // What counts references stands beside each, and the file is known by its path.
        const COUNTS: usize = 64;
        let tiles = self.tiles.len() * (size_of::<Tiles>() + COUNTS);
        let whole = self
            .whole
            .as_ref()
            .map_or(0, |whole| whole.nbyte() + COUNTS);
        (size_of::<Self>() + COUNTS + tiles + whole) as u64
    }

    /// Bytes of the temporary file to which it was unpacked.
    pub(crate) fn unpacked_length(&self) -> Option<u64> {
        self.whole.as_ref().map(|whole| whole.length())
    }
}
