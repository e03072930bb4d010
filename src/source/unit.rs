//! One HDU: its header, of a packed image that of the image, and where its data begin.

use std::cell::OnceCell;
use std::sync::Arc;

use crate::header::Header;
use crate::source::tiles::Tiles;
use crate::source::translated::image_header;

/// An HDU: its header, and where its data begin.
#[derive(Debug)]
pub(super) struct HeaderUnit {
    /// Of a packed image, that of the image.
    pub header: Header,
    /// The byte of the file at which the data begin.
    pub start: u64,
    /// How its image is packed, if it is.
    pub packed: Option<PackedUnit>,
}

/// An HDU with a packed image.
#[derive(Debug)]
pub(super) struct PackedUnit {
    /// Its number.
    pub number: u32,
    /// The header of the table in which its tiles stand.
    pub table: Header,
    /// The tiles; known once the pixels are asked for.
    pub tiles: OnceCell<Arc<Tiles>>,
}

impl HeaderUnit {
    /// The HDU of this number and header, whose data begin at byte `start`.
    pub(super) fn new(number: usize, header: Header, start: u64) -> Self {
        let number = u32::try_from(number).ok();
        let Some(number) = number.filter(|_| is_packed(&header)) else {
            return Self {
                header,
                start,
                packed: None,
            };
        };
        Self {
            header: image_header(&header),
            start,
            packed: Some(PackedUnit {
                number,
                table: header,
                tiles: OnceCell::new(),
            }),
        }
    }

    /// EXTNAME, if it is not empty.
    pub(super) fn name(&self) -> Option<String> {
        self.header.text("EXTNAME").filter(|name| !name.is_empty())
    }

    /// EXTVER, which is 1 where it is not given.
    pub(super) fn version(&self) -> i64 {
        self.header.integer("EXTVER").unwrap_or(1)
    }

    /// Whether its EXTNAME is this one, in any case.
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.name()
            .is_some_and(|own| own.eq_ignore_ascii_case(name.trim()))
    }

    /// Whether it was the primary HDU before it was packed.
    pub(super) fn was_primary(&self) -> bool {
        self.packed.is_some() && self.header.contains("SIMPLE")
    }
}

/// Whether the table of this header holds the packed tiles of an image.
fn is_packed(table: &Header) -> bool {
    let extension = table.text("XTENSION");
    let is_table = matches!(
        extension.as_deref().map(str::trim_ascii_end),
        Some("BINTABLE" | "A3DTABLE")
    );
    is_table && table.says_true("ZIMAGE")
}
