//! The door for fuzzing, open with the feature `fuzzing` alone: what reads input from outside, where no public call leads to it.
//!
//! No part of the library. Other targets go through the public calls: `fuzz/` says how.

use std::collections::BTreeSet;

use crate::header::{Header, printable};
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
        assert!(card.value().is_none() || header.contains(&keyword));
    }
    let (stack, exposures, differing) = (Stack::default(), Exposures::default(), BTreeSet::new());
    let provenance = Provenance {
        stack: &stack,
        nframe: 1,
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
