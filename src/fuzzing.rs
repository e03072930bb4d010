//! The door for fuzzing, open with the feature `fuzzing` alone: what reads input from outside, where no public call leads to it.
//!
//! No part of the library. Other targets go through the public calls: `fuzz/` says how.

use std::collections::BTreeSet;

use crate::header::{Header, printable};
use crate::packed::{self, Codec, Dither, Pixels, Quantised, Room};
use crate::pixels::Bitpix;
use crate::recipe::Stack;
use crate::sink::{self, Exposures, Limits, Part, Provenance};

/// Reads a header, asks for the values of its cards, and returns the cards of a result that has it for its first frame's.
pub fn header(bytes: &[u8]) -> Vec<[u8; 80]> {
    let header = Header::from_bytes(bytes);
    for card in header.cards() {
        let keyword = card.keyword();
        let text = header.text(&keyword).map(|text| printable(&text));
        let number = header.value(&keyword).and_then(|value| value.number());
        let whole = header.integer(&keyword);
        assert!(whole.is_none() || number.is_some() || text.is_some());
        // A keyword of other bytes is shown, but nobody can ask for it.
        let is_asked_for = keyword.is_ascii() && card.value().is_some();
        assert!(!is_asked_for || header.contains(&keyword));
    }
    let (stack, exposures, differing) = (Stack::default(), Exposures::default(), BTreeSet::new());
    let provenance = Provenance {
        stack: &stack,
        nframe: 1,
        clip: &[],
        name: &|_| "frame.fits".into(),
        exposures: &exposures,
        differing: &differing,
        skipped: &[],
        bad_pixels: None,
        region: None,
        uncertainty: true,
        calibration: None,
        limits: Limits {
            below: None,
            above: None,
        },
    };
    let inherited = header.cards();
    let parts = [Part::Whole { inherited }, Part::Primary, Part::Extension];
    let composed = parts.map(|part| sink::combined(header.cards(), part, &provenance));
    composed.concat().into_iter().map(|card| card.0).collect()
}

/// Takes a tile apart: its first six bytes say how it is packed, of which shape and type it is, and the rest are its packed bytes. Returns
/// its pixels; nothing where the bytes are none of such a tile.
pub fn tile(bytes: &[u8]) -> Option<Vec<u8>> {
    let (&[how, bitpix, nrow, ncol, block, dither], packed) = bytes.split_first_chunk()?;
    let bitpix = [8, 16, 32, 64, -32, -64][usize::from(bitpix % 6)];
    let bitpix = Bitpix::from_header(bitpix)?;
    let is_float = matches!(bitpix, Bitpix::F32 | Bitpix::F64);
    let quantised = Quantised {
        dither: [Dither::None, Dither::Subtractive, Dither::KeepingZero][usize::from(dither % 3)],
        scale: 0.5,
        zero: f64::from(dither),
        blank: (dither > 99).then_some(-1),
        seed: Quantised::seed(u64::from(dither), 9_999),
    };
    let (nrow, ncol) = (usize::from(nrow).max(1), usize::from(ncol).max(1));
    let pixels = Pixels {
        bitpix,
        quantised: (is_float && dither > 0).then_some(quantised),
        ncol,
    };
    let rice = |nbyte| Codec::Rice {
        block: usize::from(block).max(1),
        nbyte,
    };
    let how = how % 11;
    let codec = match how {
        0 => rice(1),
        1 => rice(2),
        2 => rice(4),
        3 => Codec::Gzip,
        4 => Codec::GzipShuffled,
        5 | 6 => Codec::Plio { shifted: how == 6 },
        7 | 8 => Codec::Hcompress { smooth: how == 8 },
        9 => Codec::None,
        _ => return unpacked(&pixels, nrow, packed::gunzip, packed),
    };
    let by_codec =
        |packed: &[u8], room: &mut Room, out: &mut [u8]| codec.unpack(packed, &pixels, room, out);
    unpacked(&pixels, nrow, by_codec, packed)
}

/// The pixels of a tile: every byte of them comes from the packed ones, none from what was there before.
fn unpacked(
    pixels: &Pixels,
    nrow: usize,
    unpack: impl Fn(&[u8], &mut Room, &mut [u8]) -> Result<(), packed::Fault>,
    packed: &[u8],
) -> Option<Vec<u8>> {
    let mut room = Room::default();
    let mut tried = |before: u8| {
        let mut out = vec![before; nrow * pixels.ncol * pixels.bitpix.nbyte()];
        unpack(packed, &mut room, &mut out).map(|()| out)
    };
    let (one, other) = (tried(0), tried(0xff));
    assert_eq!(one, other);
    one.ok()
}
