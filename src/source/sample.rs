//! Small FITS files for the tests of this folder, written byte by byte.

use std::path::{Path, PathBuf};

use crate::recipe::Io;
use crate::source::unpacked::Unpacked;
use crate::units::ByteSize;

/// Nothing that was unpacked; what will be goes to the folder of the system.
pub(super) fn unpacked() -> &'static Unpacked<'static> {
    let watch = Box::leak(Box::default());
    let unpacked = Unpacked::new(
        &std::env::temp_dir(),
        Io::Auto,
        ByteSize(1 << 30),
        false,
        watch,
    );
    Box::leak(Box::new(unpacked))
}

/// A folder that goes with the test.
pub(super) fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// A file of these bytes in a folder.
pub(super) fn saved(folder: impl AsRef<Path>, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.as_ref().join(name);
    std::fs::write(&path, bytes).expect("written");
    path
}

/// A card of 80 bytes.
pub(super) fn card(keyword: &str, value: &str) -> String {
    format!("{:<80.80}", format!("{keyword:<8}= {value:>20}"))
}

/// A header of these cards, END and padding.
pub(super) fn header_block(cards: &[String]) -> Vec<u8> {
    let mut bytes: Vec<u8> = cards.concat().into_bytes();
    bytes.extend(b"END");
    bytes.resize(bytes.len().next_multiple_of(2880), b' ');
    bytes
}

/// The cards that say what an image is.
fn axes(bitpix: i64, lengths: &[usize]) -> Vec<String> {
    let mut cards = vec![
        card("BITPIX", &bitpix.to_string()),
        card("NAXIS", &lengths.len().to_string()),
    ];
    cards.extend(
        (1..)
            .zip(lengths)
            .map(|(n, length)| card(&format!("NAXIS{n}"), &length.to_string())),
    );
    cards
}

/// Pixels that count up byte by byte, with padding.
fn pixels(bitpix: i64, lengths: &[usize]) -> Vec<u8> {
    let nbyte = usize::try_from(bitpix.abs() / 8).expect("a BITPIX");
    let size = if lengths.is_empty() {
        0
    } else {
        lengths.iter().product::<usize>() * nbyte
    };
    let mut bytes: Vec<u8> = (0..=250).cycle().take(size).collect();
    bytes.resize(size.next_multiple_of(2880), 0);
    bytes
}

/// A primary HDU with these further cards, NAXIS1 first among the lengths.
pub(super) fn image(cards: &[String], bitpix: i64, lengths: &[usize]) -> Vec<u8> {
    let all = [&[card("SIMPLE", "T")], &axes(bitpix, lengths)[..], cards].concat();
    [header_block(&all), pixels(bitpix, lengths)].concat()
}

/// An image extension with these further cards.
pub(super) fn extension(cards: &[String], bitpix: i64, lengths: &[usize]) -> Vec<u8> {
    let counts = [card("PCOUNT", "0"), card("GCOUNT", "1")];
    let all = [
        &[card("XTENSION", "'IMAGE   '")],
        &axes(bitpix, lengths)[..],
        &counts,
        cards,
    ]
    .concat();
    [header_block(&all), pixels(bitpix, lengths)].concat()
}

/// An empty binary table with these further cards.
pub(super) fn table(cards: &[String]) -> Vec<u8> {
    table_of(0, cards)
}

/// A binary table of so many rows, at most 360, of nothing but zeros.
pub(super) fn table_of(nrow: usize, cards: &[String]) -> Vec<u8> {
    let mut all = vec![card("XTENSION", "'BINTABLE'")];
    all.extend(axes(8, &[8, nrow]));
    all.extend([
        card("PCOUNT", "0"),
        card("GCOUNT", "1"),
        card("TFIELDS", "1"),
        card("TFORM1", "'1PB(0)  '"),
    ]);
    all.extend_from_slice(cards);
    let mut bytes = header_block(&all);
    bytes.resize(bytes.len() + nrow.min(1) * 2880, 0);
    bytes
}
