//! An HDU of a file that is being written: its header, the place of its pixels, and what of them is written.

use std::sync::{Mutex, PoisonError};

use super::{HduSpec, Pixels};
use crate::checksum::Sum;
use crate::header::Card;

/// Headers and data are filled up to multiples of this.
pub(super) const BLOCK: usize = 2880;

/// Bytes of the two cards of the sums.
pub(super) const SUMS: usize = 160;

/// What is already there of an HDU where a run is taken up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Earlier {
    /// How many of its pixels.
    pub(crate) npixel: usize,
    /// Their sum.
    pub(crate) sum: Sum,
}

/// An HDU whose header is written and whose pixels have their place.
#[derive(Debug)]
pub(super) struct Hdu {
    pub(super) pixels: Option<Pixels>,
    /// The byte at which the header begins.
    pub(super) begin: u64,
    /// The byte at which the data begin, and how many there are.
    pub(super) start: u64,
    pub(super) length: u64,
    /// The byte at which the DATASUM card stands; the CHECKSUM card follows it.
    pub(super) sums_at: u64,
    pub(super) header: Sum,
    /// Shared by the threads that write.
    pub(super) data: Mutex<Written>,
}

/// What was written of the pixels of an HDU.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Written {
    /// Bytes.
    pub(super) nbyte: u64,
    /// Their sum.
    pub(super) sum: Sum,
}

/// Bytes, filled up to whole blocks; as they are where there are more than can be counted.
pub(super) fn whole_blocks(nbyte: u64) -> u64 {
    nbyte
        .checked_next_multiple_of(BLOCK as u64)
        .unwrap_or(nbyte)
}

impl Hdu {
    /// The header of an HDU, and where it and its pixels stand.
    /// `None` where its pixels are more than a file can hold.
    pub(super) fn lay_out(spec: &HduSpec, is_primary: bool, begin: u64) -> Option<(Vec<u8>, Self)> {
        let mut header: Vec<u8> = spec
            .header(is_primary)
            .iter()
            .flat_map(|card| card.0)
            .collect();
        let (mut sum, sums_at) = (Sum::default(), begin + header.len() as u64);
        sum.add(0, &header);
        // Room for the two cards of the sums, which are known only when all pixels are.
        header.resize(header.len() + SUMS, b' ');
        let last = header.len();
        header.extend(Card::new("END").0);
        header.resize(header.len().next_multiple_of(BLOCK), b' ');
        sum.add(0, &header[last..]);

        let length = spec.pixels.map_or(Some(0), Pixels::nbyte)?;
        let start = begin + header.len() as u64;
        let end = start.checked_add(length.checked_next_multiple_of(BLOCK as u64)?)?;
        i64::try_from(end).ok()?;
        let hdu = Self {
            pixels: spec.pixels,
            begin,
            start,
            length,
            sums_at,
            header: sum,
            data: Mutex::default(),
        };
        Some((header, hdu))
    }

    /// The byte behind its last block.
    pub(super) fn end(&self) -> u64 {
        self.start + whole_blocks(self.length)
    }

    /// What was written so far.
    pub(super) fn written(&self) -> Written {
        *self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what was written.
    pub(super) fn add(&self, more: Written) {
        let mut data = self.data.lock().unwrap_or_else(PoisonError::into_inner);
        data.nbyte += more.nbyte;
        data.sum.join(more.sum);
    }

    /// The cards DATASUM and CHECKSUM.
    pub(super) fn sum_cards(&self) -> Vec<u8> {
        sum_cards(self.header, self.written().sum)
    }
}

/// The cards DATASUM and CHECKSUM, where these are the sums of the pixels and of the other cards.
pub(super) fn sum_cards(header: Sum, data: Sum) -> Vec<u8> {
    // CFITSIO puts the date into these comments: ours tell nothing but what they are.
    let cards = |checksum: &str| {
        let mut cards = Card::string("DATASUM", &data.value().to_string(), "data unit checksum");
        cards.extend(Card::string("CHECKSUM", checksum, "HDU checksum"));
        cards.iter().flat_map(|card| card.0).collect::<Vec<u8>>()
    };
    let mut sum = header;
    sum.join(data);
    sum.add(0, &cards("0000000000000000"));
    cards(&sum.text())
}
