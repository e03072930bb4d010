//! How an image is packed, as the header of its table says; checked before anything is read.

use std::ops::Range;

use super::columns::{Columns, Number, Run, width};
use crate::header::{Header, printable};
use crate::packed::{Codec, Dither, Quantised};
use crate::pixels::Bitpix;

/// The table of the tiles of an image.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// Columns, rows and planes of the image.
    pub(super) axes: [usize; 3],
    /// The same of a tile, those at the far edges aside.
    pub(super) tile: [usize; 3],
    pub(super) bitpix: Bitpix,
    pub(super) codec: Codec,
    /// How floats were made whole numbers, and ZDITHER0; `None` where none were.
    quantised: Option<(Dither, u16)>,
    pub(super) columns: Columns,
    /// The byte of the file at which its rows begin.
    pub(super) start: u64,
    /// The bytes of the file with the packed tiles.
    pub(super) heap: Range<u64>,
}

/// Where a tile stands, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) form: Form,
    /// The byte of the file at which it begins.
    pub(super) start: u64,
    pub(super) nbyte: usize,
}

/// How a tile stands in its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Packed as its header says.
    Packed,
    /// Gzipped, because its floats could not be quantised.
    Gzipped,
    /// As it is.
    Plain,
}

impl Table {
    /// The table of this header, whose rows begin at byte `start` of the file.
    pub(super) fn of(header: &Header, start: u64) -> Result<Self, String> {
        let (axes, tile) = shapes(header)?;
        let bitpix = header.integer("ZBITPIX").and_then(Bitpix::from_header);
        let bitpix = bitpix.ok_or("ZBITPIX must be 8, 16, 32, 64, -32 or -64")?;
        let columns = Columns::of(header)?;
        let codec = codec(header, bitpix)?;
        let quantised = quantised(header, &columns, bitpix)?;
        let table = Self {
            axes,
            tile,
            bitpix,
            codec,
            quantised,
            columns,
            start,
            heap: heap(header, start, &columns)?,
        };
        table.check(header)?;
        Ok(table)
    }

    /// Whether what the header says goes together.
    fn check(&self, header: &Header) -> Result<(), String> {
        let is_float = matches!(self.bitpix, Bitpix::F32 | Bitpix::F64);
        let of_bytes = matches!(self.codec, Codec::Gzip | Codec::GzipShuffled | Codec::None);
        if is_float && self.quantised.is_none() && !of_bytes {
            return Err(
                "its floats are packed as whole numbers, but without ZSCALE and ZZERO".into(),
            );
        }
        let varies = |number: Option<Number>| matches!(number, Some(Number::Column { .. }));
        let Columns {
            scale,
            zero,
            blank,
            packed,
            plain,
            ..
        } = self.columns;
        if !is_float && (varies(scale) || varies(zero) || varies(blank)) {
            return Err("its whole numbers have a ZSCALE, ZZERO or ZBLANK for each tile".into());
        }
        let expected = match self.codec {
            Codec::Plio { .. } => b'I',
            _ => b'B',
        };
        if let Some(runs) = packed
            && width(runs.letter) != width(expected)
        {
            return Err(format!(
                "its column COMPRESSED_DATA is of type {}, not {}",
                char::from(runs.letter),
                char::from(expected)
            ));
        }
        let own = match self.bitpix {
            Bitpix::U8 => b'B',
            Bitpix::I16 => b'I',
            Bitpix::I32 => b'J',
            Bitpix::I64 => b'K',
            Bitpix::F32 => b'E',
            Bitpix::F64 => b'D',
        };
        if let Some(runs) = plain
            && runs.letter != own
        {
            return Err("its column UNCOMPRESSED_DATA is of another type than its pixels".into());
        }
        let ntile = i64::try_from(self.ntile()).ok();
        if ntile.is_none() || header.integer("NAXIS2") != ntile {
            return Err(format!(
                "its table has {} tiles, but the image is cut into {}",
                header.integer("NAXIS2").unwrap_or(0),
                self.ntile()
            ));
        }
        Ok(())
    }

    /// How many tiles stand along each axis.
    pub(super) fn ntiles(&self) -> [usize; 3] {
        std::array::from_fn(|axis| self.axes[axis].div_ceil(self.tile[axis]))
    }

    /// How many tiles there are.
    pub(super) fn ntile(&self) -> u64 {
        self.ntiles().iter().map(|n| *n as u64).product()
    }

    /// Pixels along an axis of the tile that is the `number`th there.
    pub(super) fn length(&self, axis: usize, number: usize) -> usize {
        self.tile[axis].min(self.axes[axis] - number * self.tile[axis])
    }

    /// Where the tile of this row of the table stands.
    pub(super) fn place(&self, row: &[u8]) -> Result<Place, &'static str> {
        let Columns {
            packed,
            gzipped,
            plain,
            ..
        } = self.columns;
        let is_float = matches!(self.bitpix, Bitpix::F32 | Bitpix::F64);
        let forms = [
            (Form::Packed, packed),
            (Form::Gzipped, gzipped.filter(|_| is_float)),
            (Form::Plain, plain),
        ];
        let found = forms
            .into_iter()
            .find_map(|(form, runs)| Some((form, runs?.of(row)?)));
        let (form, Run { start, nbyte }) = found.ok_or("was never written")?;
        let first = self.heap.start.checked_add(start);
        let end = first.and_then(|first| first.checked_add(nbyte));
        match (first, end, usize::try_from(nbyte)) {
            (Some(start), Some(end), Ok(nbyte)) if end <= self.heap.end => {
                Ok(Place { form, start, nbyte })
            }
            _ => Err("stands outside its table"),
        }
    }

    /// What turns the whole numbers of a tile into floats, where they are floats.
    pub(super) fn quantised(&self, tile: u64, row: &[u8]) -> Option<Quantised> {
        let (dither, seed) = self.quantised?;
        let number =
            |number: Option<Number>, otherwise| number.map_or(otherwise, |number| number.of(row));
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a number beyond i32 is that of no pixel"
        )]
        let blank = self.columns.blank.map(|blank| blank.of(row) as i32);
        Some(Quantised {
            dither,
            scale: number(self.columns.scale, 1.0),
            zero: number(self.columns.zero, 0.0),
            blank,
            seed: Quantised::seed(tile, seed),
        })
    }

    /// Whether its tiles are floats that come back from whole numbers.
    pub(super) fn is_quantised(&self) -> bool {
        self.quantised.is_some()
    }
}

/// The shapes of the image and of its tiles: columns, rows and planes.
fn shapes(header: &Header) -> Result<([usize; 3], [usize; 3]), String> {
    let naxis = header.integer("ZNAXIS").unwrap_or(0);
    let mut axes = [1; 3];
    let mut tile = [1; 3];
    for n in 1..=naxis.clamp(0, 999) {
        let length = |keyword: String, otherwise: Option<usize>| match header.value(&keyword) {
            None => otherwise.ok_or(format!("{keyword} is not given")),
            Some(value) => header
                .integer(&keyword)
                .and_then(|length| usize::try_from(length).ok())
                .filter(|length| *length > 0)
                .ok_or_else(|| {
                    let shown = printable(&value.text());
                    format!("{keyword} is '{shown}'; it must be a number of pixels")
                }),
        };
        let axis = length(format!("ZNAXIS{n}"), None)?;
        let along = length(format!("ZTILE{n}"), Some(if n == 1 { axis } else { 1 }))?;
        if let (Some(axes), Some(tile)) = (
            axes.get_mut(usize::try_from(n - 1).unwrap_or(usize::MAX)),
            tile.get_mut(usize::try_from(n - 1).unwrap_or(usize::MAX)),
        ) {
            (*axes, *tile) = (axis, along.min(axis));
        }
    }
    // Sums over what a pixel takes stay numbers that there are.
    let nbyte = axes.iter().try_fold(64_usize, |all, n| all.checked_mul(*n));
    if nbyte.is_none() {
        return Err("ZNAXISn speak of more pixels than there can be".into());
    }
    Ok((axes, tile))
}

/// The bytes of the heap.
fn heap(header: &Header, start: u64, columns: &Columns) -> Result<Range<u64>, String> {
    let number = |keyword: &str| header.integer(keyword).and_then(|n| u64::try_from(n).ok());
    let outside = || "its table of tiles is larger than there can be".to_owned();
    let rows = number("NAXIS2").and_then(|n| n.checked_mul(columns.row_nbyte as u64));
    let rows = rows.ok_or_else(outside)?;
    let gap = number("THEAP").unwrap_or(rows);
    let end = start.checked_add(rows);
    let end = end.and_then(|end| end.checked_add(number("PCOUNT").unwrap_or(0)));
    let begin = start.checked_add(gap);
    match (begin, end) {
        (Some(begin), Some(end)) if begin <= end && gap >= rows => Ok(begin..end),
        _ => Err(outside()),
    }
}

/// How the numbers are packed.
fn codec(header: &Header, bitpix: Bitpix) -> Result<Codec, String> {
    let name = header.text("ZCMPTYPE").unwrap_or_default();
    let parameter = |wanted: &str| {
        (1..=99).find_map(|n| {
            let name = header.text(&format!("ZNAME{n}"))?;
            let is_it = name.trim().eq_ignore_ascii_case(wanted);
            is_it.then(|| header.integer(&format!("ZVAL{n}")))?
        })
    };
    Ok(match name.trim() {
        "RICE_1" | "RICE_ONE" => {
            let (mut block, mut nbyte) = (
                parameter("BLOCKSIZE").unwrap_or(32),
                parameter("BYTEPIX").unwrap_or(4),
            );
            if block < 16 && nbyte > 8 {
                std::mem::swap(&mut block, &mut nbyte);
            }
            match (usize::try_from(block), usize::try_from(nbyte)) {
                (Ok(block @ 1..), Ok(nbyte @ (1 | 2 | 4))) => Codec::Rice { block, nbyte },
                _ => {
                    return Err(format!(
                        "RICE_1 has blocks of {block} pixels of {nbyte} bytes, which is not read"
                    ));
                }
            }
        }
        "GZIP_1" => Codec::Gzip,
        "GZIP_2" => Codec::GzipShuffled,
        "PLIO_1" => Codec::Plio {
            shifted: bitpix == Bitpix::I16
                && header.value("BZERO").and_then(|zero| zero.number()) == Some(32768.0),
        },
        "HCOMPRESS_1" => Codec::Hcompress {
            smooth: parameter("SMOOTH").unwrap_or(0) != 0,
        },
        "NOCOMPRESS" => Codec::None,
        other => {
            return Err(format!(
                "is packed with ZCMPTYPE '{}', which is not read; unpack it with funpack first",
                printable(other)
            ));
        }
    })
}

/// How floats were made whole numbers, if they were.
fn quantised(
    header: &Header,
    columns: &Columns,
    bitpix: Bitpix,
) -> Result<Option<(Dither, u16)>, String> {
    let name = header.text("ZQUANTIZ").unwrap_or_default();
    let scaled = columns.scale.is_some() && columns.zero.is_some();
    let is_float = matches!(bitpix, Bitpix::F32 | Bitpix::F64);
    let dither = match name.trim() {
        _ if !is_float || !scaled => return Ok(None),
        "NONE" => return Ok(None),
        "SUBTRACTIVE_DITHER_1" => Dither::Subtractive,
        "SUBTRACTIVE_DITHER_2" => Dither::KeepingZero,
        "" | "NO_DITHER" => Dither::None,
        other => {
            return Err(format!(
                "its floats were quantised by ZQUANTIZ '{}', which is not read",
                printable(other)
            ));
        }
    };
    let seed = header.integer("ZDITHER0").unwrap_or(1);
    match u16::try_from(seed)
        .ok()
        .filter(|seed| (1..=10_000).contains(seed))
    {
        Some(seed) => Ok(Some((dither, seed))),
        None if dither == Dither::None => Ok(Some((dither, 1))),
        None => Err(format!("ZDITHER0 is {seed}; it must be from 1 to 10000")),
    }
}
