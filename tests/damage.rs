//! Every kind of damage that costs pixels, made here byte by byte: it is refused by name. The helpers make harmless damage, too.

use std::fs;

use crate::common::Place;
use crate::fits::{Image, empty_primary};

/// The pixels of the frame that is damaged.
pub(crate) fn pixels() -> Vec<u16> {
    (0..48).map(|n| n * 1301 + 10).collect()
}

pub(crate) fn image() -> Image {
    Image::uint16(&[8, 6], &pixels())
}

/// The frame with one more card.
pub(crate) fn with(card: &str) -> Vec<u8> {
    image().card(card).primary()
}

/// The frame with its card of this keyword replaced.
pub(crate) fn instead(keyword: &str, card: &str) -> Vec<u8> {
    let mut bytes = image().primary();
    let at = bytes[..2880]
        .chunks(80)
        .position(|card| card.starts_with(format!("{keyword:<8}").as_bytes()))
        .unwrap();
    bytes[at * 80..][..80].copy_from_slice(format!("{card:<80}").as_bytes());
    bytes
}

/// The frame without what stands behind byte `end`.
pub(crate) fn cut(end: usize) -> Vec<u8> {
    image().primary()[..end].to_vec()
}

/// What was done to a frame, its bytes, and what is said of it.
type Harm = (&'static str, Vec<u8>, &'static str);

/// Damage after which the pixels are not known.
fn harmful() -> Vec<Harm> {
    [broken(), of_axes(), of_types(), of_values()].concat()
}

/// Files that break off, or are no FITS files.
fn broken() -> Vec<Harm> {
    let text_mode: Vec<u8> = {
        let frame = Image::uint16(&[8, 6], &[0x0a0a; 48]).primary();
        let mended = frame.into_iter().flat_map(|byte| match byte {
            b'\n' => vec![b'\r', b'\n'],
            byte => vec![byte],
        });
        mended.collect()
    };
    let mut no_end = image().primary();
    let at = no_end
        .windows(8)
        .position(|bytes| bytes == b"END     ")
        .unwrap();
    let mut lower_end = no_end.clone();
    no_end[at..at + 3].fill(b' ');
    lower_end[at..at + 3].copy_from_slice(b"end");
    vec![
        ("nothing at all", Vec::new(), "is empty"),
        ("one byte", b"S".to_vec(), "text"),
        ("a text", b"clouds\n".to_vec(), "text"),
        ("cut in the first card", cut(50), ""),
        ("cut in the header", cut(800), ""),
        ("cut behind the header", cut(2880), "cut short"),
        (
            "cut in the pixels",
            cut(2880 + 95),
            "cut short: its pixels end at byte 2976",
        ),
        (
            "an extension first",
            image().extension(),
            "primary HDU is missing",
        ),
        ("no END", no_end, "CFITSIO finds"),
        ("END in lower case", lower_end, "CFITSIO finds"),
        ("in text mode", text_mode, "text mode"),
        (
            "not simple",
            instead("SIMPLE", "SIMPLE  =                    F"),
            "SIMPLE = F",
        ),
    ]
}

/// Axes that cannot be.
fn of_axes() -> Vec<Harm> {
    vec![
        (
            "huge",
            instead("NAXIS1", "NAXIS1  =           2000000000"),
            "cut short",
        ),
        (
            "larger than memory",
            instead("NAXIS1", "NAXIS1  =  9223372036854775807"),
            "",
        ),
        (
            "larger than numbers",
            instead("NAXIS1", "NAXIS1  = 99999999999999999999"),
            "",
        ),
        (
            "999 axes",
            instead("NAXIS", "NAXIS   =                  999"),
            "",
        ),
        (
            "-1 axes",
            instead("NAXIS", "NAXIS   =                   -1"),
            "",
        ),
        (
            "one axis",
            instead("NAXIS", "NAXIS   =                    1"),
            "one axis",
        ),
        (
            "no axes",
            instead("NAXIS", "NAXIS   =                    0"),
            "without pixels",
        ),
        (
            "a negative axis",
            instead("NAXIS2", "NAXIS2  =                   -6"),
            "NAXIS",
        ),
        (
            "half a pixel",
            instead("NAXIS1", "NAXIS1  =                  7.5"),
            "",
        ),
        (
            "an axis of words",
            instead("NAXIS1", "NAXIS1  = 'eight   '"),
            "",
        ),
        (
            "an empty axis",
            instead("NAXIS1", "NAXIS1  =                    0"),
            "empty image",
        ),
        (
            "an axis that is not there",
            instead("NAXIS2", "COMMENT gone"),
            "",
        ),
        (
            "two lengths",
            with("NAXIS2  =                    7"),
            "NAXIS2 is given twice",
        ),
    ]
}

/// Pixels of no type that there is.
fn of_types() -> Vec<Harm> {
    let extension = |card: &str| [empty_primary(&[]), image().card(card).extension()].concat();
    vec![
        (
            "16 bits, unsigned",
            instead("BITPIX", "BITPIX  =                  -16"),
            "BITPIX",
        ),
        (
            "24 bits",
            instead("BITPIX", "BITPIX  =                   24"),
            "BITPIX",
        ),
        (
            "bits of words",
            instead("BITPIX", "BITPIX  = 'short   '"),
            "BITPIX",
        ),
        (
            "parameters",
            extension("PCOUNT  =                    7"),
            "PCOUNT",
        ),
        (
            "parameters of a primary",
            with("PCOUNT  =                    7"),
            "PCOUNT is 7",
        ),
        (
            "groups of a primary",
            with("GCOUNT  =                    2"),
            "GCOUNT is 2",
        ),
        (
            "random groups",
            with("GROUPS  =                    T"),
            "random groups",
        ),
    ]
}

/// Stored numbers that stand for no value.
fn of_values() -> Vec<Harm> {
    vec![
        (
            "two zeros",
            with("BZERO   =                    0"),
            "BZERO is given twice",
        ),
        (
            "two zeros, one in lower case",
            with("bzero   =                    0"),
            "BZERO is given twice",
        ),
        (
            "a zero of NaN",
            instead("BZERO", "BZERO   =                  NaN"),
            "BZERO is 'NaN'",
        ),
        (
            "a zero of words",
            instead("BZERO", "BZERO   = 'none    '"),
            "BZERO is 'none'",
        ),
        (
            "an endless scale",
            instead("BSCALE", "BSCALE  =               1E9999"),
            "BSCALE is",
        ),
        (
            "a scale of 0",
            instead("BSCALE", "BSCALE  =                    0"),
            "BSCALE is 0",
        ),
        (
            "half a blank",
            with("BLANK   =                  0.5"),
            "BLANK is '0.5'",
        ),
    ]
}

#[test]
fn damage_that_costs_pixels_is_refused_with_the_name_and_the_reason() {
    let place = Place::new();
    for (damage, bytes, said) in harmful() {
        fs::write(place.path("odd.fits"), bytes).unwrap();
        let run = place.refused("odd.fits", 1, &["odd.fits"]);
        assert!(run.stderr.contains(said), "{damage}: {}", run.stderr);
        assert!(
            run.stderr.contains("odd.fits: "),
            "{damage}: {}",
            run.stderr
        );
    }
}

#[test]
fn a_cube_of_more_planes_than_memory_holds_is_refused_before_they_are_listed() {
    let place = Place::new();
    let planes = 1 << 20;
    Image::new(8, &[1, 1, planes], &vec![1.0; planes]).write(place.path("cube.fits"));
    place.refused(
        "--mem-limit 64M cube.fits",
        1,
        &["--mem-limit 64.0 MiB is too small", "1048576 frames"],
    );
}
