//! An image of a file that is whole on its way into its packed form: a table with a row for each row of pixels, and behind it their bytes.
//!
//! Pieces of some rows are packed by any number of threads; their bytes stand in the order of the rows, so that the file is the same
//! whoever was first.

mod header;
mod turn;

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::Pixels;
use super::hdu::{BLOCK, Hdu, SUMS, sum_cards, whole_blocks};
use crate::checksum::Sum;
use crate::error::{Error, Result};
use crate::header::Card;
use crate::packing::{Form, Packer, Tile};
use crate::recipe::Compression;

use header::Columns;
use turn::Turns;

/// Bytes of pixels that are packed at a time, at least a row.
const PIECE: usize = 64 << 10;

/// An image on its way.
#[derive(Debug)]
pub(crate) struct Tiled<'s> {
    path: &'s Path,
    plain: &'s File,
    packed: &'s File,
    /// The plain image: where its pixels are.
    hdu: &'s Hdu,
    pixels: Pixels,
    cards: Vec<Card>,
    form: Form,
    columns: Columns,
    /// The byte of the packed file at which the HDU begins, and the table behind its header.
    begin: u64,
    table: u64,
    turns: Turns<Placed>,
}

/// What is known of the tiles that have their place.
#[derive(Clone, Copy, Debug, Default)]
struct Placed {
    /// Bytes of them.
    heap: u64,
    /// The longest of each column: packed, and gzipped though others are numbers.
    longest: [usize; 2],
    /// Of the table and the bytes behind it.
    sum: Sum,
}

/// What a thread packs with.
#[derive(Debug)]
pub(crate) struct Desk {
    packer: Packer,
    stored: Vec<u8>,
    heap: Vec<u8>,
    /// What became of each row, and how many bytes.
    tiles: Vec<(Tile, usize)>,
    entries: Vec<u8>,
}

impl Desk {
    /// Bytes that packing rows of so many pixels of so many bytes takes.
    pub(crate) fn nbyte(ncol: usize, pixel_nbyte: usize) -> usize {
        let piece = PIECE.max(ncol * pixel_nbyte);
        // The pixels and what they become, in a vector that grows by doubling; the rows of a piece at most are as many as its bytes.
        let row = size_of::<(Tile, usize)>() + Columns::WIDEST;
        4 * piece + PIECE / (ncol * pixel_nbyte).max(1) * 2 * row + Packer::nbyte(ncol)
    }
}

impl<'s> Tiled<'s> {
    /// Begins with an image of a plain file; it is to stand from byte `begin` on in the packed one.
    pub(super) fn new(
        path: &'s Path,
        (plain, packed): (&'s File, &'s File),
        (hdu, pixels): (&'s Hdu, Pixels),
        compression: Compression,
        begin: u64,
    ) -> Result<Self> {
        let mut header = vec![0; header::length(hdu)];
        plain
            .read_exact_at(&mut header, hdu.begin)
            .map_err(|source| refused(path, source))?;
        let (cards, _) = header.as_chunks();
        let mut cards: Vec<Card> = cards.iter().map(|card| Card(*card)).collect();
        let sums = hdu.sum_cards();
        cards.extend(sums.as_chunks().0.iter().map(|card| Card(*card)));
        let form = Form::of(compression, pixels.dtype);
        let mut tiled = Self {
            path,
            plain,
            packed,
            hdu,
            pixels,
            cards,
            form,
            columns: Columns::new(form, pixels.shape.nrow, hdu.length),
            begin,
            table: begin,
            turns: Turns::default(),
        };
        tiled.table += tiled.header(&Placed::default()).len() as u64;
        Ok(tiled)
    }

    /// How many pieces there are.
    pub(crate) fn npiece(&self) -> usize {
        self.pixels.shape.nrow.div_ceil(self.rows_of_piece())
    }

    fn rows_of_piece(&self) -> usize {
        (PIECE / self.row_nbyte().max(1)).max(1)
    }

    fn row_nbyte(&self) -> usize {
        self.pixels.shape.ncol * self.pixels.dtype.nbyte()
    }

    fn rows(&self, piece: usize) -> Range<usize> {
        let first = piece * self.rows_of_piece();
        first..(first + self.rows_of_piece()).min(self.pixels.shape.nrow)
    }

    /// A desk for a thread.
    pub(crate) fn desk(&self) -> Desk {
        Desk {
            packer: Packer::new(self.form, self.pixels.dtype),
            stored: Vec::new(),
            heap: Vec::new(),
            tiles: Vec::new(),
            entries: Vec::new(),
        }
    }

    /// Packs a piece and writes it; returns how many bytes its pixels have. Pieces are begun in their order, each once, and
    /// each is ended, well or not: what comes behind waits for it. `go_on` says whether to begin.
    ///
    /// # Errors
    ///
    /// Those of `go_on`, and [`Error::Io`] where a file refuses.
    pub(crate) fn pack(
        &self,
        desk: &mut Desk,
        piece: usize,
        go_on: impl Fn() -> Result<()>,
    ) -> Result<u64> {
        let turn = self.turns.of(piece);
        go_on()?;
        let rows = self.rows(piece);
        desk.stored.resize(rows.len() * self.row_nbyte(), 0);
        let offset = (rows.start * self.row_nbyte()) as u64;
        self.plain
            .read_exact_at(&mut desk.stored, self.hdu.start + offset)
            .map_err(|source| refused(self.path, source))?;
        desk.heap.clear();
        desk.tiles.clear();
        for (row, stored) in rows.clone().zip(desk.stored.chunks_exact(self.row_nbyte())) {
            let before = desk.heap.len();
            let tile = desk.packer.pack(row, stored, &mut desk.heap);
            desk.tiles.push((tile, desk.heap.len() - before));
        }
        let place = turn.take(|placed| self.place(placed, desk, rows.start));
        let Some(place) = place else {
            // Another piece has failed, and says why.
            return Ok(0);
        };
        let (entries, heap) = place?;
        self.put(&desk.entries, entries)?;
        self.put(&desk.heap, heap)?;
        Ok(desk.stored.len() as u64)
    }

    /// Gives the tiles of a desk their places behind those that have one; returns where their entries and bytes stand in the file.
    fn place(&self, placed: &mut Placed, desk: &mut Desk, first: usize) -> Result<(u64, u64)> {
        let too_large = || Error::Output {
            path: self.path.into(),
            fault: "packed, has more bytes than a file can hold".into(),
        };
        let begin = placed.heap;
        desk.entries.clear();
        for &(tile, length) in &desk.tiles {
            self.columns
                .enter(tile, length, placed.heap, &mut desk.entries)
                .ok_or_else(too_large)?;
            let column = usize::from(tile == Tile::Gzipped);
            placed.longest[column] = placed.longest[column].max(length);
            placed.heap += length as u64;
        }
        let entries = (first * self.columns.width()) as u64;
        let heap = self.heap() + begin;
        placed.sum.add(entries, &desk.entries);
        placed.sum.add(heap, &desk.heap);
        Ok((self.table + entries, self.table + heap))
    }

    /// Bytes from the beginning of the table to what its entries point to.
    fn heap(&self) -> u64 {
        (self.pixels.shape.nrow * self.columns.width()) as u64
    }

    /// Writes what is known only behind the last piece; returns the byte behind the HDU.
    pub(super) fn close(self) -> Result<u64> {
        let placed = self.turns.last();
        self.put(&self.header(&placed), self.begin)?;
        let end = self.table + whole_blocks(self.heap() + placed.heap);
        self.packed
            .set_len(end)
            .map_err(|source| refused(self.path, source))?;
        Ok(end)
    }

    /// The whole header, where tiles have these places: as long whatever they are.
    fn header(&self, placed: &Placed) -> Vec<u8> {
        let cards = header::table(
            &self.cards,
            self.pixels,
            self.form,
            self.columns,
            (placed.heap, placed.longest),
        );
        let mut bytes: Vec<u8> = cards.iter().flat_map(|card| card.0).collect();
        let length = bytes.len() + SUMS + size_of::<Card>();
        let mut end = Card::new("END").0.to_vec();
        end.resize(end.len() + length.next_multiple_of(BLOCK) - length, b' ');
        let mut sum = Sum::default();
        sum.add(0, &bytes);
        sum.add(0, &end);
        bytes.extend(sum_cards(sum, placed.sum));
        bytes.extend(end);
        bytes
    }

    fn put(&self, bytes: &[u8], at: u64) -> Result<()> {
        self.packed
            .write_all_at(bytes, at)
            .map_err(|source| refused(self.path, source))
    }
}

fn refused(path: &Path, source: io::Error) -> Error {
    Error::io(path, "cannot pack", source)
}
