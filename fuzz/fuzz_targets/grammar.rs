//! The grammar of every choice: what reads is shown as a text that reads back as the same value.
#![no_main]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use ccdstream::recipe::{
    Beyond, Clip, Condition, Fit, FlatNorm, Hdu, Level, LevelTo, MaskBits, OverscanClip, PixelType,
    Place, Plane, Quantity, Weight,
};
use ccdstream::{ByteSize, Limit, Section, Shape};
use libfuzzer_sys::fuzz_target;

/// Reads a text, and what it is shown as.
fn both_ways<T: FromStr<Err: Debug> + Display + PartialEq + Debug>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        let shown = value.to_string();
        assert_eq!(shown.parse::<T>().expect("it was just shown"), value, "{shown}");
    }
}

fuzz_target!(|input: (u8, &str)| {
    let (which, text) = input;
    match which % 16 {
        0 => both_ways::<Clip>(text),
        1 => both_ways::<Level>(text),
        2 => both_ways::<Weight>(text),
        3 => both_ways::<Section>(text),
        4 => both_ways::<Condition>(text),
        5 => both_ways::<Hdu>(text),
        6 => both_ways::<Place>(text),
        7 => both_ways::<Quantity>(text),
        8 => both_ways::<Fit>(text),
        9 => both_ways::<OverscanClip>(text),
        10 => both_ways::<MaskBits>(text),
        11 => both_ways::<FlatNorm>(text),
        12 => both_ways::<Beyond>(text),
        13 => both_ways::<PixelType>(text),
        14 => both_ways::<Plane>(text),
        _ => {
            let _ = (text.parse::<LevelTo>(), text.parse::<ByteSize>(), text.parse::<Limit>());
            if let Ok(section) = text.parse::<Section>() {
                let shape = Shape { nrow: 7, ncol: 5 };
                if let Ok(area) = section.within(shape, "--region") {
                    assert!(area.rows.end <= shape.nrow && area.cols.end <= shape.ncol);
                }
            }
        }
    }
});
