//! The header of a packed image: that of the image, with what tells of the table before it.

use crate::header::Card;
use crate::packing::{BLANK, BLOCK, Form, SEED, Tile};
use crate::recipe::Codec;
use crate::sink::Pixels;
use crate::sink::hdu::Hdu;

/// Bytes of the cards of a plain image, those of its sums aside.
pub(super) fn length(hdu: &Hdu) -> usize {
    usize::try_from(hdu.sums_at - hdu.begin).expect("a header is in memory")
}

/// The columns of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Columns {
    /// Whether there are such of what was rounded.
    quantised: bool,
    /// Whether places are told in 64 bits.
    wide: bool,
}

impl Columns {
    /// Bytes of a row at most.
    pub(super) const WIDEST: usize = 48;

    /// Those of so many rows of pixels, of so many bytes together.
    pub(super) fn new(form: Form, nrow: usize, nbyte: u64) -> Self {
        // More than what does not pack can take.
        let most = nbyte.saturating_add(nbyte / 32 + 64 * nrow as u64);
        Self {
            quantised: matches!(form, Form::Quantised(..)),
            wide: i32::try_from(most).is_err(),
        }
    }

    /// Bytes of a row.
    pub(super) fn width(self) -> usize {
        let place = if self.wide { 16 } else { 8 };
        if self.quantised {
            2 * place + 2 * size_of::<f64>()
        } else {
            place
        }
    }

    /// Appends the row of a tile of so many bytes that stands at this place; `None` where the place cannot be told.
    pub(super) fn enter(
        self,
        tile: Tile,
        length: usize,
        place: u64,
        row: &mut Vec<u8>,
    ) -> Option<()> {
        let (length, place) = (i64::try_from(length).ok()?, i64::try_from(place).ok()?);
        let mut describe = |there: bool| {
            let two = if there { [length, place] } else { [0; 2] };
            for number in two {
                if self.wide {
                    row.extend(number.to_be_bytes());
                } else {
                    row.extend(i32::try_from(number).ok()?.to_be_bytes());
                }
            }
            Some(())
        };
        describe(tile != Tile::Gzipped)?;
        if self.quantised {
            describe(tile == Tile::Gzipped)?;
            let (scale, zero) = match tile {
                Tile::Quantised { scale, zero } => (scale, zero),
                Tile::Lossless | Tile::Gzipped => (0.0, 0.0),
            };
            row.extend([scale, zero].iter().flat_map(|number| number.to_be_bytes()));
        }
        Some(())
    }

    /// What tells of them; the longest of those whose length varies are known behind the last tile.
    fn cards(self, longest: [usize; 2]) -> Vec<Card> {
        let bytes = |longest: usize| {
            let place = if self.wide { 'Q' } else { 'P' };
            format!("1{place}B({longest})")
        };
        let mut columns = vec![("COMPRESSED_DATA", bytes(longest[0]))];
        if self.quantised {
            columns.push(("GZIP_COMPRESSED_DATA", bytes(longest[1])));
            columns.extend([("ZSCALE", "1D".into()), ("ZZERO", "1D".into())]);
        }
        let mut cards = vec![integer("TFIELDS", columns.len(), "columns of the table")];
        for (number, (name, form)) in columns.iter().enumerate() {
            let keyword = |stem: &str| format!("{stem}{}", number + 1);
            cards.extend(Card::string(&keyword("TTYPE"), name, "name of the column"));
            cards.extend(Card::string(&keyword("TFORM"), form, "its form"));
        }
        cards
    }
}

/// All cards of a table but those of its own sums, where these are the cards of the plain image, sums and all; `heap` bytes stand
/// behind the table.
pub(super) fn table(
    plain: &[Card],
    pixels: Pixels,
    form: Form,
    columns: Columns,
    (heap, longest): (u64, [usize; 2]),
) -> Vec<Card> {
    let mut cards = vec![
        Card::new("XTENSION= 'BINTABLE'           / a packed image, row by row"),
        Card::integer("BITPIX", 8, "bytes"),
        Card::integer("NAXIS", 2, "number of axes"),
        integer("NAXIS1", columns.width(), "bytes of a row of the table"),
        integer("NAXIS2", pixels.shape.nrow, "rows of the table"),
        Card::integer(
            "PCOUNT",
            i64::try_from(heap).unwrap_or(i64::MAX),
            "bytes behind the table",
        ),
        Card::integer("GCOUNT", 1, "one group"),
    ];
    cards.extend(columns.cards(longest));
    cards.push(Card::logical("ZIMAGE", true, "this is a packed image"));
    let named = |card: &&Card| RENAMED.iter().any(|(name, _)| card.name() == *name);
    let structure = plain.iter().take_while(named).count();
    let (structure, rest) = plain.split_at(structure);
    cards.extend(structure.iter().map(renamed));
    cards.push(integer("ZTILE1", pixels.shape.ncol, "columns of a tile"));
    cards.push(Card::integer("ZTILE2", 1, "rows of a tile"));
    cards.extend(method(pixels, form));
    cards.extend(rest.iter().map(renamed));
    cards
}

/// How the tiles are packed.
fn method(pixels: Pixels, form: Form) -> Vec<Card> {
    let name = match form.codec() {
        Codec::Rice => "RICE_1",
        Codec::Gzip => "GZIP_2",
    };
    let mut cards = Card::string("ZCMPTYPE", name, "how the tiles are packed");
    let nbyte = pixels.dtype.nbyte();
    let (nbyte, rounded) = match form {
        Form::Quantised(..) => (size_of::<i32>(), Some("SUBTRACTIVE_DITHER_1")),
        Form::Lossless(_) => (nbyte, pixels.dtype.is_float().then_some("NONE")),
    };
    if form.codec() == Codec::Rice {
        for (number, name, value, comment) in [
            (1, "BLOCKSIZE", BLOCK, "numbers of a block"),
            (2, "BYTEPIX", nbyte, "bytes of a number"),
        ] {
            cards.extend(Card::string(
                &format!("ZNAME{number}"),
                name,
                "what the next card tells",
            ));
            cards.push(integer(&format!("ZVAL{number}"), value, comment));
        }
    }
    if let Some(rounded) = rounded {
        cards.extend(Card::string("ZQUANTIZ", rounded, "how floats were rounded"));
    }
    if matches!(form, Form::Quantised(..)) {
        cards.push(Card::integer("ZDITHER0", SEED, "seed of the dither"));
        cards.push(Card::integer("ZBLANK", i64::from(BLANK), "stands for NaN"));
    }
    cards
}

/// What cards of a plain image are called in a table that packs it.
const RENAMED: [(&str, &str); 11] = [
    ("SIMPLE", "ZSIMPLE"),
    ("XTENSION", "ZTENSION"),
    ("BITPIX", "ZBITPIX"),
    ("NAXIS", "ZNAXIS"),
    ("NAXIS1", "ZNAXIS1"),
    ("NAXIS2", "ZNAXIS2"),
    ("EXTEND", "ZEXTEND"),
    ("PCOUNT", "ZPCOUNT"),
    ("GCOUNT", "ZGCOUNT"),
    ("DATASUM", "ZDATASUM"),
    ("CHECKSUM", "ZHECKSUM"),
];

fn renamed(card: &Card) -> Card {
    let Some((_, name)) = RENAMED.iter().find(|(name, _)| card.name() == *name) else {
        return *card;
    };
    let mut card = *card;
    for (place, byte) in card.0[..8].iter_mut().zip(name.bytes().chain([b' '; 8])) {
        *place = byte;
    }
    card
}

fn integer(keyword: &str, number: usize, comment: &str) -> Card {
    Card::integer(keyword, i64::try_from(number).unwrap_or(i64::MAX), comment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Codec;

    #[test]
    fn places_are_told_in_as_many_bits_as_the_file_may_need() {
        let rounded = Form::Quantised(Codec::Rice, 4.0);
        let tile = Tile::Quantised {
            scale: 0.5,
            zero: -1.0,
        };
        for (nbyte, width, form) in [(1 << 30, 32, "1PB(7)"), (1 << 31, 48, "1QB(7)")] {
            let columns = Columns::new(rounded, 10, nbyte);
            assert_eq!(columns.width(), width);
            let mut row = Vec::new();
            assert_eq!(columns.enter(tile, 7, 1 << 20, &mut row), Some(()));
            assert_eq!(columns.enter(Tile::Gzipped, 7, 1 << 20, &mut row), Some(()));
            let (row, gzipped) = row.split_at(width);
            let place = width / 2 - 8;
            assert_eq!(row[..place], gzipped[place..2 * place]);
            assert_eq!(row[place..2 * place], vec![0; place]);
            assert_eq!(row[2 * place..][..8], 0.5_f64.to_be_bytes());
            let told = columns.cards([7, 0]);
            let told = told.iter().map(|card| String::from_utf8_lossy(&card.0));
            assert!(told.collect::<String>().contains(form));
        }
        let columns = Columns::new(Form::Lossless(Codec::Gzip), 10, 1 << 20);
        assert_eq!(columns.width(), 8);
        assert_eq!(
            columns.enter(Tile::Lossless, 7, 1 << 31, &mut Vec::new()),
            None
        );
    }

    #[test]
    fn cards_of_the_form_are_renamed_and_others_are_not() {
        let name = |text: &str| renamed(&Card::new(text)).name().to_owned();
        assert_eq!(name("NAXIS1  = 3"), "ZNAXIS1");
        assert_eq!(name("CHECKSUM= 'abc'"), "ZHECKSUM");
        assert_eq!(name("NAXIS12 = 3"), "NAXIS12");
        assert_eq!(name("BITPIX OF NOTHING"), "BITPIX O");
    }
}
