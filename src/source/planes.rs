//! Where the pixels of an HDU stand and how they are stored, as its header says; checked before anything is read.

use crate::header::{Header, printable};
use crate::pixels::{Bitpix, Image, Stored};
use crate::shape::Shape;
use crate::source::unit::HeaderUnit;

/// What an HDU is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An image of two axes, of three, or of more that are 1.
    Image,
    /// Anything else, in the words 'a table, not an image'.
    Other(String),
}

/// What the HDU of this header is.
pub(super) fn kind(header: &Header) -> Kind {
    let other = |what: &str| Kind::Other(what.to_owned());
    let extension = header.text("XTENSION");
    match extension.as_deref().map(str::trim_ascii_end) {
        None if header.says_true("GROUPS") => other("random groups, not an image"),
        None | Some("IMAGE" | "IUEIMAGE") => image_kind(header),
        Some("TABLE" | "BINTABLE" | "A3DTABLE") => other("a table, not an image"),
        Some(name) => Kind::Other(format!("an extension '{}', not an image", printable(name))),
    }
}

/// What an HDU is that is no table, by its axes.
fn image_kind(header: &Header) -> Kind {
    let other = |what: &str| Kind::Other(what.to_owned());
    match header.integer("NAXIS") {
        None => other("without NAXIS, so that its axes are not known"),
        Some(0) => other("without pixels"),
        Some(1) => other("of one axis, not an image"),
        Some(naxis) => {
            let beyond = (4..=naxis).find_map(|n| {
                header
                    .integer(&format!("NAXIS{n}"))
                    .filter(|&length| length > 1)
            });
            match beyond {
                Some(_) => Kind::Other(format!("of {naxis} axes, where an image has 2 or 3")),
                None => Kind::Image,
            }
        }
    }
}

/// The planes of an image HDU: one, or NAXIS3 of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Planes {
    first: Image,
    /// How many there are, one behind the other.
    pub count: usize,
}

impl Planes {
    /// The planes of an image HDU in a file of `length` bytes; the error says what keeps them from being read.
    pub(super) fn of(unit: &HeaderUnit, length: u64) -> Result<Self, String> {
        let header = &unit.header;
        certain(header)?;
        let bitpix = header.integer("BITPIX");
        let bitpix = bitpix.and_then(Bitpix::from_header).ok_or_else(|| {
            let shown = header
                .text("BITPIX")
                .map_or("nothing".into(), |text| printable(&text));
            format!("BITPIX is {shown}; it must be 8, 16, 32, 64, -32 or -64")
        })?;
        let [ncol, nrow, count] = axes(header)?;
        let too_large = || format!("{ncol} × {nrow} × {count} pixels are more than there can be");
        let plane = ncol
            .checked_mul(nrow)
            .and_then(|n| n.checked_mul(bitpix.nbyte()))
            .ok_or_else(too_large)?;
        let size = plane
            .checked_mul(count)
            .and_then(|n| u64::try_from(n).ok())
            .ok_or_else(too_large)?;
        let end = unit.start.checked_add(size).ok_or_else(too_large)?;
        if end > length && unit.packed.is_none() {
            return Err(format!(
                "is cut short: its pixels end at byte {end}, but the file has {length} bytes; copy it again"
            ));
        }
        let stored = stored(header, bitpix)?;
        Ok(Self {
            first: Image {
                start: unit.start,
                shape: Shape { nrow, ncol },
                pitch: ncol,
                stored,
                packed: unit.packed.as_ref().map(|packed| packed.number),
            },
            count,
        })
    }

    /// The first byte of the file behind all of them.
    pub(super) fn end(&self) -> u64 {
        self.plane(self.count).start
    }

    /// Rows and columns of each plane.
    pub(super) fn shape(&self) -> Shape {
        self.first.shape
    }

    /// A plane by its number from 0.
    pub(super) fn plane(&self, number: usize) -> Image {
        let size = self.first.shape.npixel() * self.first.stored.bitpix.nbyte();
        Image {
            start: self.first.start + (number * size) as u64,
            ..self.first
        }
    }
}

/// Refuses a header that says two things of its pixels at once.
fn certain(header: &Header) -> Result<(), String> {
    if header.value("SIMPLE").is_some() && !header.says_true("SIMPLE") {
        return Err("says SIMPLE = F: its data need not be as FITS has them".into());
    }
    let keywords = [
        "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "NAXIS3", "BSCALE", "BZERO", "BLANK", "PCOUNT",
        "GCOUNT",
    ];
    if let Some(keyword) = header.contradiction(keywords) {
        return Err(format!(
            "{keyword} is given twice, with different values; take one of the cards out"
        ));
    }
    // Of parameters in a primary HDU the standard knows nothing; some programs pass over them, and some read them as pixels.
    for (keyword, only) in [("PCOUNT", 0), ("GCOUNT", 1)] {
        if header.contains(keyword) && header.integer(keyword) != Some(only) {
            let shown = printable(&header.text(keyword).unwrap_or_default());
            return Err(format!(
                "{keyword} is {shown}; of an image it must be {only}"
            ));
        }
    }
    Ok(())
}

/// NAXIS1, NAXIS2, and NAXIS3 or 1.
fn axes(header: &Header) -> Result<[usize; 3], String> {
    let mut lengths = [1; 3];
    let naxis = header.integer("NAXIS").unwrap_or(0);
    for (n, length) in (1..=naxis.min(3)).zip(&mut lengths) {
        let keyword = format!("NAXIS{n}");
        let value = header.integer(&keyword);
        *length = value
            .and_then(|value| usize::try_from(value).ok())
            .ok_or_else(|| {
                let shown = header
                    .text(&keyword)
                    .map_or("not given".into(), |text| format!("'{}'", printable(&text)));
                format!("{keyword} is {shown}; it must be a whole number of pixels")
            })?;
        if *length == 0 {
            return Err(format!("is an empty image: {keyword} is 0"));
        }
    }
    Ok(lengths)
}

/// How the pixels are stored: BSCALE, BZERO and BLANK, of this header alone.
fn stored(header: &Header, bitpix: Bitpix) -> Result<Stored, String> {
    let number = |keyword: &str, otherwise: f64| match header.value(keyword) {
        None => Ok(otherwise),
        Some(value) => value.number().ok_or_else(|| {
            let shown = printable(&header.text(keyword).unwrap_or_default());
            format!(
                "{keyword} is '{shown}', not a finite number, so that its samples are not known"
            )
        }),
    };
    let (bscale, bzero) = (number("BSCALE", 1.0)?, number("BZERO", 0.0)?);
    if bscale == 0.0 {
        return Err("BSCALE is 0, which makes all samples the same".into());
    }
    let float = matches!(bitpix, Bitpix::F32 | Bitpix::F64);
    let blank = if float { None } else { header.integer("BLANK") };
    if !float && blank.is_none() && header.value("BLANK").is_some() {
        let shown = printable(&header.text("BLANK").unwrap_or_default());
        return Err(format!(
            "BLANK is '{shown}', not a whole number, so that its absent samples are not known"
        ));
    }
    Ok(Stored {
        bitpix,
        bscale,
        bzero,
        blank: blank.filter(|&blank| can_be_stored(blank, bitpix)),
    })
}

/// Whether an integer pixel can hold this number; a BLANK that none can hold marks none.
fn can_be_stored(value: i64, bitpix: Bitpix) -> bool {
    match bitpix {
        Bitpix::U8 => u8::try_from(value).is_ok(),
        Bitpix::I16 => i16::try_from(value).is_ok(),
        Bitpix::I32 => i32::try_from(value).is_ok(),
        Bitpix::I64 => true,
        Bitpix::F32 | Bitpix::F64 => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::sample::{card, header_block};

    /// An HDU whose data begin at byte 2880.
    fn unit(cards: &[(&str, &str)]) -> HeaderUnit {
        let mut all = vec![card("SIMPLE", "T")];
        all.extend(cards.iter().map(|(keyword, value)| card(keyword, value)));
        HeaderUnit {
            header: Header::from_bytes(&header_block(&all)),
            start: 2880,
            packed: None,
        }
    }

    const PLAIN: [(&str, &str); 4] = [
        ("BITPIX", "16"),
        ("NAXIS", "2"),
        ("NAXIS1", "4"),
        ("NAXIS2", "3"),
    ];

    fn with(more: &[(&str, &str)]) -> Result<Planes, String> {
        Planes::of(&unit(&[&PLAIN, more].concat()), 2880 + 24)
    }

    #[test]
    fn pixels_may_end_with_the_file_but_not_behind_it() {
        assert!(with(&[]).is_ok());
        let fault = Planes::of(&unit(&PLAIN), 2880 + 23).expect_err("refused");
        assert_eq!(
            fault,
            "is cut short: its pixels end at byte 2904, but the file has 2903 bytes; copy it again"
        );
    }

    #[test]
    fn planes_of_a_cube_stand_one_behind_the_other() {
        let cube = [
            ("BITPIX", "-32"),
            ("NAXIS", "4"),
            ("NAXIS1", "4"),
            ("NAXIS2", "3"),
            ("NAXIS3", "5"),
            ("NAXIS4", "1"),
        ];
        let unit = unit(&cube);
        assert_eq!(kind(&unit.header), Kind::Image);
        let planes = Planes::of(&unit, 10_000).expect("read");
        assert_eq!(
            (planes.count, planes.shape()),
            (5, Shape { nrow: 3, ncol: 4 })
        );
        assert_eq!(planes.plane(4).start, 2880 + 4 * 48);
        assert_eq!(planes.end(), 2880 + 5 * 48);
    }

    #[test]
    fn scaling_is_read_in_every_form_that_is_certain() {
        let stored = |more: &[(&str, &str)]| with(more).map(|planes| planes.plane(0).stored);
        let read = stored(&[
            ("BZERO", "'32768   '"),
            ("BSCALE", "1.5D0"),
            ("BLANK", "-32768.0"),
        ])
        .expect("read");
        assert_eq!(
            (read.bzero, read.bscale, read.blank),
            (32768.0, 1.5, Some(-32768))
        );
        assert_eq!(stored(&[("BLANK", "40000")]).expect("read").blank, None);
        for (keyword, value) in [
            ("BZERO", "NaN"),
            ("BSCALE", "INF"),
            ("BSCALE", "0.0"),
            ("BZERO", "T"),
            ("BLANK", "1.5"),
        ] {
            assert!(
                stored(&[(keyword, value)])
                    .expect_err("refused")
                    .starts_with(keyword),
                "{keyword} = {value}"
            );
        }
        let float = unit(&[
            ("BITPIX", "-32"),
            ("NAXIS", "2"),
            ("NAXIS1", "2"),
            ("NAXIS2", "2"),
            ("BLANK", "'x'"),
        ]);
        assert_eq!(
            Planes::of(&float, 9999)
                .expect("read")
                .plane(0)
                .stored
                .blank,
            None
        );
    }

    #[test]
    fn headers_that_are_not_certain_are_refused_with_the_keyword() {
        for (cards, said) in [
            (
                &[
                    ("BITPIX", "-16"),
                    ("NAXIS", "2"),
                    ("NAXIS1", "4"),
                    ("NAXIS2", "3"),
                ][..],
                "BITPIX is -16",
            ),
            (
                &[
                    ("BITPIX", "16"),
                    ("NAXIS", "2"),
                    ("NAXIS1", "0"),
                    ("NAXIS2", "3"),
                ],
                "empty image: NAXIS1 is 0",
            ),
            (
                &[("BITPIX", "16"), ("NAXIS", "2"), ("NAXIS1", "4")],
                "NAXIS2 is not given",
            ),
            (
                &[
                    ("BITPIX", "16"),
                    ("NAXIS", "2"),
                    ("NAXIS1", "-4"),
                    ("NAXIS2", "3"),
                ],
                "NAXIS1 is '-4'",
            ),
            (
                &[
                    ("BITPIX", "64"),
                    ("NAXIS", "2"),
                    ("NAXIS1", "9223372036854775807"),
                    ("NAXIS2", "3"),
                ],
                "more than there can be",
            ),
        ] {
            let fault = Planes::of(&unit(cards), 9999).expect_err("refused");
            assert!(fault.contains(said), "{fault}");
        }
        assert!(
            with(&[("NAXIS2", "4")])
                .expect_err("refused")
                .contains("NAXIS2 is given twice")
        );
        assert!(with(&[("NAXIS2", "3")]).is_ok());
        assert!(with(&[("SIMPLE", "F")]).is_ok(), "the first card counts");
        assert!(with(&[("PCOUNT", "0"), ("GCOUNT", "1")]).is_ok());
        for cards in [
            &[("PCOUNT", "7")][..],
            &[("XTENSION", "'IMAGE'"), ("PCOUNT", "7")],
        ] {
            assert!(with(cards).expect_err("refused").contains("PCOUNT is 7"));
        }
    }

    #[test]
    fn what_is_no_image_is_told_for_what_it_is() {
        let other = |cards: &[(&str, &str)]| match kind(&unit(cards).header) {
            Kind::Other(what) => what,
            Kind::Image => "an image".to_owned(),
        };
        assert_eq!(
            other(&[("XTENSION", "'TABLE   '")]),
            "a table, not an image"
        );
        assert_eq!(
            other(&[("NAXIS", "2"), ("NAXIS1", "0"), ("GROUPS", "T")]),
            "random groups, not an image"
        );
        assert_eq!(other(&[("NAXIS", "0")]), "without pixels");
        assert_eq!(other(&[("NAXIS", "1")]), "of one axis, not an image");
        assert!(other(&[("NAXIS", "4"), ("NAXIS4", "2")]).starts_with("of 4 axes"));
    }
}
