//! The columns of the table in which packed tiles stand: where in a row each begins, and what it holds.

use crate::header::{Header, printable};

/// No table of tiles has longer rows.
const MAX_ROW: u64 = 64 << 10;

/// Runs of bytes in the heap, one a row of the table, behind a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Runs {
    /// Where in a row the descriptor begins.
    at: usize,
    /// Whether its two numbers have 64 bits, not 32.
    wide: bool,
    /// The letter of its elements, as TFORM has it.
    pub(super) letter: u8,
}

/// A run of bytes in the heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Where it begins, counted from the beginning of the heap.
    pub(super) start: u64,
    /// Its bytes.
    pub(super) nbyte: u64,
}

/// A number of each row, or one for all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    /// The same everywhere.
    Constant(f64),
    /// At this byte of a row, in the type of this letter.
    Column { at: usize, letter: u8 },
}

/// The columns that matter.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Columns {
    /// Bytes of a row.
    pub(super) row_nbyte: usize,
    /// The packed tiles.
    pub(super) packed: Option<Runs>,
    /// Tiles that could not be quantised: gzipped floats.
    pub(super) gzipped: Option<Runs>,
    /// Tiles that are not packed at all.
    pub(super) plain: Option<Runs>,
    pub(super) scale: Option<Number>,
    pub(super) zero: Option<Number>,
    pub(super) blank: Option<Number>,
}

impl Columns {
    /// The columns that the header of a table tells of.
    pub(super) fn of(table: &Header) -> Result<Self, String> {
        let row_nbyte = table.integer("NAXIS1").unwrap_or(0);
        let row_nbyte = u64::try_from(row_nbyte).unwrap_or(0);
        if row_nbyte > MAX_ROW {
            return Err(format!("its table of tiles has rows of {row_nbyte} bytes"));
        }
        let constant = |keyword| {
            let number = table.value(keyword)?.number()?;
            Some(Number::Constant(number))
        };
        let mut columns = Self {
            row_nbyte: usize::try_from(row_nbyte).unwrap_or(0),
            scale: constant("ZSCALE"),
            zero: constant("ZZERO"),
            blank: constant("ZBLANK").or_else(|| constant("BLANK")),
            ..Self::default()
        };
        let mut at = 0_usize;
        for n in 1..=table.integer("TFIELDS").unwrap_or(0).clamp(0, 999) {
            let form = table.text(&format!("TFORM{n}")).unwrap_or_default();
            let Some(form) = Form::read(&form) else {
                return Err(format!(
                    "TFORM{n} is '{}', which is no format",
                    printable(&form)
                ));
            };
            let name = table.text(&format!("TTYPE{n}")).unwrap_or_default();
            columns.take(&name.to_ascii_uppercase(), at, &form)?;
            at = at.saturating_add(form.nbyte());
        }
        if at > columns.row_nbyte {
            return Err("the columns of its table of tiles are wider than its rows".into());
        }
        Ok(columns)
    }

    /// Takes a column that begins at this byte of a row.
    fn take(&mut self, name: &str, at: usize, form: &Form) -> Result<(), String> {
        let runs = || match (form.descriptor, form.count) {
            (Some(letter), 1) => Ok(Some(Runs {
                at,
                wide: form.letter == b'Q',
                letter,
            })),
            // No row has any.
            (Some(_), _) => Ok(None),
            (None, _) => Err(format!("its column {name} is no column of runs of bytes")),
        };
        let number = || match (form.letter, form.count) {
            (letter @ (b'B' | b'I' | b'J' | b'K' | b'E' | b'D'), 1) => {
                Ok(Some(Number::Column { at, letter }))
            }
            _ => Err(format!("its column {name} is no column of numbers")),
        };
        match name {
            "COMPRESSED_DATA" => self.packed = runs()?,
            "GZIP_COMPRESSED_DATA" => self.gzipped = runs()?,
            "UNCOMPRESSED_DATA" => self.plain = runs()?,
            "ZSCALE" => self.scale = number()?,
            "ZZERO" => self.zero = number()?,
            "ZBLANK" => self.blank = number()?,
            "NULL_PIXEL_MASK" => {
                return Err(
                    "its absent pixels are in a NULL_PIXEL_MASK, which neither CFITSIO nor astropy reads, nor is it read here"
                        .into(),
                );
            }
            _ => {}
        }
        Ok(())
    }
}

impl Runs {
    /// The run of a row; `None` where it is empty.
    pub(super) fn of(self, row: &[u8]) -> Option<Run> {
        let number = |at: usize| {
            let at = self.at + at;
            if self.wide {
                row.get(at..)?.first_chunk().map(|b| u64::from_be_bytes(*b))
            } else {
                let number = row.get(at..)?.first_chunk().map(|b| u32::from_be_bytes(*b));
                number.map(u64::from)
            }
        };
        let count = number(0).filter(|count| *count > 0)?;
        let start = number(if self.wide { 8 } else { 4 })?;
        let nbyte = count.saturating_mul(width(self.letter).unwrap_or(1) as u64);
        Some(Run { start, nbyte })
    }
}

impl Number {
    /// The number of a row.
    pub(super) fn of(self, row: &[u8]) -> f64 {
        let (at, letter) = match self {
            Self::Constant(number) => return number,
            Self::Column { at, letter } => (at, letter),
        };
        match letter {
            b'B' => number::<1>(row, at, |[byte]| f64::from(byte)),
            b'I' => number(row, at, |b| f64::from(i16::from_be_bytes(b))),
            b'J' => number(row, at, |b| f64::from(i32::from_be_bytes(b))),
            b'K' => number(row, at, |b| i64::from_be_bytes(b) as f64),
            b'E' => number(row, at, |b| f64::from(f32::from_be_bytes(b))),
            _ => number(row, at, f64::from_be_bytes),
        }
    }
}

/// The number at a byte of a row; NaN where there is none.
fn number<const N: usize>(row: &[u8], at: usize, of: impl Fn([u8; N]) -> f64) -> f64 {
    let bytes = row.get(at..).and_then(|from| from.first_chunk());
    bytes.map_or(f64::NAN, |bytes| of(*bytes))
}

/// A TFORM: how many, of what; of a descriptor, the letter of its elements too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Form {
    count: usize,
    letter: u8,
    descriptor: Option<u8>,
}

impl Form {
    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (count, rest) = text.split_at(digits);
        let count = if count.is_empty() {
            1
        } else {
            count.parse().ok()?
        };
        let mut letters = rest.bytes().map(|letter| letter.to_ascii_uppercase());
        let letter = letters.next()?;
        let descriptor = match letter {
            b'P' | b'Q' => Some(letters.next().filter(|letter| width(*letter).is_some())?),
            _ => None,
        };
        if descriptor.is_none() && letter != b'X' {
            width(letter)?;
        }
        Some(Self {
            count,
            letter,
            descriptor,
        })
    }

    /// Bytes of the column in a row.
    fn nbyte(self) -> usize {
        match self.letter {
            b'X' => self.count.div_ceil(8),
            b'P' => self.count.saturating_mul(8),
            b'Q' => self.count.saturating_mul(16),
            letter => self.count.saturating_mul(width(letter).unwrap_or(0)),
        }
    }
}

/// Bytes of an element of this letter.
pub(super) fn width(letter: u8) -> Option<usize> {
    Some(match letter {
        b'L' | b'B' | b'A' => 1,
        b'I' => 2,
        b'J' | b'E' => 4,
        b'K' | b'D' | b'C' => 8,
        b'M' => 16,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::sample::{card, header_block};

    #[test]
    fn formats_read_as_they_are_written() {
        let form = |text| Form::read(text).map(|form| (form.count, form.letter, form.nbyte()));
        assert_eq!(form("1PB(565)"), Some((1, b'P', 8)));
        assert_eq!(form("QI"), Some((1, b'Q', 16)));
        assert_eq!(form("0PB"), Some((0, b'P', 0)));
        assert_eq!(form(" 12X "), Some((12, b'X', 2)));
        assert_eq!(form("1d"), Some((1, b'D', 8)));
        for odd in ["", "P", "1PZ", "99999999999999999999B", "é"] {
            assert_eq!(form(odd), None, "{odd}");
        }
    }

    #[test]
    fn columns_are_found_by_name_wherever_they_stand() {
        let cards: Vec<_> = [
            ("NAXIS1", "40"),
            ("TFIELDS", "4"),
            ("TTYPE1", "'ZSCALE'"),
            ("TFORM1", "'1D'"),
            ("TTYPE2", "'other'"),
            ("TFORM2", "'3J'"),
            ("TTYPE3", "'compressed_data'"),
            ("TFORM3", "'1QI(9)'"),
            ("TTYPE4", "'ZBLANK'"),
            ("TFORM4", "'1J'"),
        ]
        .iter()
        .map(|(key, value)| card(key, value))
        .collect();
        let columns = Columns::of(&Header::from_bytes(&header_block(&cards))).expect("read");
        let mut row = [0; 40];
        row[..8].copy_from_slice(&2.5_f64.to_be_bytes());
        row[20..28].copy_from_slice(&7_u64.to_be_bytes());
        row[28..36].copy_from_slice(&99_u64.to_be_bytes());
        row[36..].copy_from_slice(&(-3_i32).to_be_bytes());
        let run = columns.packed.and_then(|runs| runs.of(&row));
        assert_eq!(
            run,
            Some(Run {
                start: 99,
                nbyte: 14
            })
        );
        assert_eq!(columns.scale.map(|scale| scale.of(&row)), Some(2.5));
        assert_eq!(columns.blank.map(|blank| blank.of(&row)), Some(-3.0));
        row[20..28].fill(0);
        assert_eq!(columns.packed.and_then(|runs| runs.of(&row)), None);
    }
}
