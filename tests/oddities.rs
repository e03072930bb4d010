//! Damage that costs no pixel, made here byte by byte: it is read, and as CFITSIO reads it.

use std::fs;
use std::path::Path;

use fitsio::FitsFile;
use fitsio::errors::Error;

use crate::common::Place;
use crate::damage::{cut, image, instead, pixels, with};
use crate::fits::{Image, empty_primary};

/// The frame with this in place of the blanks behind END, over and over.
fn filled(with: &[u8]) -> Vec<u8> {
    let mut bytes = image().primary();
    let end = bytes[..2880]
        .chunks(80)
        .position(|card| card.starts_with(b"END "))
        .unwrap();
    for (byte, filling) in bytes[end * 80 + 3..2880]
        .iter_mut()
        .zip(with.iter().cycle())
    {
        *byte = *filling;
    }
    bytes
}

fn followed_by(more: &[u8]) -> Vec<u8> {
    [&image().primary(), more].concat()
}

/// What was done to a frame, and its bytes.
type Oddity = (&'static str, Vec<u8>);

/// Damage that costs no pixel.
fn harmless() -> Vec<Oddity> {
    [of_files(), of_texts(), of_numbers()].concat()
}

/// Files that are too short or too long.
fn of_files() -> Vec<Oddity> {
    let mut extension = [empty_primary(&[]), image().extension()].concat();
    extension.truncate(2 * 2880 + 96);
    vec![
        ("nothing", image().primary()),
        ("no padding", cut(2880 + 96)),
        ("no padding of an extension", extension),
        ("part of the padding", cut(2880 + 1000)),
        ("blanks for padding", {
            let mut bytes = cut(2880 + 96);
            bytes.resize(2 * 2880, b' ');
            bytes
        }),
        ("NUL behind END", filled(&[0])),
        ("junk behind END", filled(b"     junk # \x07\xff")),
        (
            "cards behind END",
            filled(b"     BZERO   =                    5"),
        ),
        (
            "text behind the pixels",
            followed_by(b"written by nobody\n"),
        ),
        ("a block behind the pixels", followed_by(&[b'#'; 2880])),
        ("zeros behind the pixels", followed_by(&[0; 5000])),
        (
            "a lost card",
            followed_by(b"SIMPLE  =                    T"),
        ),
    ]
}

/// Texts of headers.
fn of_texts() -> Vec<Oddity> {
    let many = (0..1469).fold(image(), |image, n| {
        image.card(format!("CARD{n:<4}= {n:>20}"))
    });
    let continued = image()
        .card("LONGSTRN= 'OGIP 1.0'")
        .card("STORY   = 'it was a dark and stormy night &'")
        .card("CONTINUE  'and the dome was open&'")
        .card("CONTINUE  ''");
    let mut odd_bytes = with("OBSERVER= '###     '");
    let at = odd_bytes
        .windows(3)
        .position(|bytes| bytes == b"###")
        .unwrap();
    odd_bytes[at..at + 3].copy_from_slice(&[0xe9, 0xff, 0x80]);
    let mut nul_cards = with("NOTE    = 'gone'");
    let at = nul_cards
        .windows(8)
        .position(|bytes| bytes == b"NOTE    ")
        .unwrap();
    nul_cards[at..at + 80].fill(0);
    vec![
        ("the same keyword twice", {
            let twice = image().card("OBJECT  = 'M 31    '");
            twice.card("OBJECT  = 'M 33    '").primary()
        }),
        ("an open string", with("OBJECT  = 'M 31")),
        ("an open string of nothing", with("OBJECT  = '")),
        ("lower case", with("exptime =                 30.0")),
        ("NUL in a string", with("OBJECT  = 'M 31\0\0\0\0'")),
        ("cards of NUL", nul_cards),
        ("bytes that are not ASCII", odd_bytes),
        ("tabs and line feeds", with("OBJECT\t=\t'M\n31'\r\n")),
        ("escapes", with("OBJECT  = '\x1b[31mM 31\x07'")),
        (
            "HIERARCH",
            with("HIERARCH ESO DET OUT1 GAIN = 1.5 / [e-/ADU]"),
        ),
        ("HIERARCH without a sign", with("HIERARCH of the night")),
        ("CONTINUE", continued.primary()),
        ("CONTINUE of nothing", with("CONTINUE  'lost'")),
        ("1469 cards", many.primary()),
        (
            "a keyword of odd letters",
            with("a(b)*?  =                    5"),
        ),
        ("a card of blanks", with("")),
    ]
}

/// Numbers that are written as the standard does not have them.
fn of_numbers() -> Vec<Oddity> {
    vec![
        (
            "the same axis twice",
            with("NAXIS2  =                    6"),
        ),
        (
            "the same zero twice",
            with("BZERO   =              32768.0"),
        ),
        (
            "a lower-case zero",
            instead("BZERO", "bzero   =                32768"),
        ),
        ("no blank behind the sign", instead("NAXIS1", "NAXIS1  =8")),
        (
            "a value far to the right",
            instead("NAXIS1", &format!("NAXIS1  = {:>60}", 8)),
        ),
        (
            "a comment without a slash",
            instead("NAXIS1", "NAXIS1  = 8 columns"),
        ),
        (
            "a zero with D",
            instead("BZERO", "BZERO   =         3.2768D+04"),
        ),
        (
            "a zero in a string",
            instead("BZERO", "BZERO   = '32768.0 '"),
        ),
        (
            "a blank with a point",
            with("BLANK   =             -32000.0"),
        ),
        ("a blank in a string", with("BLANK   = '-32000  '")),
        (
            "a blank beyond the type",
            with("BLANK   =                99999"),
        ),
        ("an exposure in a string", with("EXPTIME = '30.0    '")),
        (
            "no parameters of a primary",
            with("PCOUNT  =                    0"),
        ),
        (
            "a third axis of one",
            Image::new(16, &[8, 6, 1], &stored())
                .card("BZERO   =                32768")
                .primary(),
        ),
    ]
}

/// The stored numbers of the frame.
fn stored() -> Vec<f64> {
    pixels()
        .into_iter()
        .map(|pixel| f64::from(pixel) - 32768.0)
        .collect()
}

fn by_cfitsio(path: &Path, hdu: usize) -> Result<Vec<f64>, Error> {
    let mut fits = FitsFile::open(path)?;
    fits.hdu(hdu)?.read_image(&mut fits)
}

#[test]
fn damage_that_costs_no_pixel_is_read_as_cfitsio_reads_it() {
    let place = Place::new();
    let want: Vec<f64> = pixels().into_iter().map(f64::from).collect();
    for (damage, bytes) in harmless() {
        let path = place.path("odd.fits");
        fs::write(&path, bytes).unwrap();
        let run = place.run("combine --overwrite -o out.fits --planes data odd.fits");
        assert_eq!(run.status, Some(0), "{damage}: {}", run.stderr);
        assert!(!run.stderr.contains(['\u{1b}', '\u{7}']), "{damage}");
        assert_eq!(place.plane("out.fits", None), want, "{damage}");
        // Of a zero in lower case or in a string CFITSIO thinks less.
        if damage.contains("zero in") || damage.contains("lower-case") {
            continue;
        }
        match by_cfitsio(&path, usize::from(damage.contains("extension"))) {
            Ok(cfitsio) => assert_eq!(cfitsio, want, "{damage}"),
            // It wants whole blocks.
            Err(error) => assert!(damage.contains("padding"), "{damage}: {error}"),
        }
    }
}

#[test]
fn what_odd_cards_say_is_used() {
    let place = Place::new();
    let halved = |card: &str, flags: &str| {
        fs::write(place.path("odd.fits"), with(card)).unwrap();
        place.combined(&format!("--planes data {flags} odd.fits"))[1]
    };
    let half = (1311.0_f64 / 30.0).to_bits();
    for card in [
        "EXPTIME = '30.0    '",
        "exptime = 30.",
        "EXPTIME = 3.0D1",
        "EXPTIME = 30 seconds",
    ] {
        assert_eq!(
            halved(card, "--dtype f64 --scale key:EXPTIME").to_bits() >> 30,
            half >> 30,
            "{card}"
        );
    }
    let gain = "HIERARCH ESO DET OUT1 GAIN = 2 / [e-/ADU]";
    assert_eq!(
        halved(gain, "--gain 'ESO DET OUT1 GAIN'").to_bits(),
        2622.0_f64.to_bits()
    );
    for blank in ["-31457.0", "'-31457'", "-31457"] {
        assert!(
            halved(&format!("BLANK   = {blank}"), "").is_nan(),
            "{blank}"
        );
    }
}
