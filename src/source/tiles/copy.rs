//! From packed tiles to the stored pixels of an area.

use std::ops::Range;

use super::desk::{Group, Reading};
use super::table::Form;
use super::{Desk, NROW, Tiles};
use crate::packed::{self, Pixels, Room, exactly};
use crate::pixels::Image;
use crate::shape::Area;
use crate::source::rows::Rows;
use crate::source::way::{Fault, Opened, read_rows};

/// A tile as it stands in its file.
struct PackedTile<'a> {
    /// Its row in the table, from 0.
    number: u64,
    form: Form,
    row: &'a [u8],
    bytes: &'a [u8],
}

impl Tiles {
    /// Whether a group of tiles is that in which an area begins.
    pub(in crate::source) fn begins(&self, group: &Group, image: &Image, area: &Area) -> bool {
        let (plane, row, col) = self.pixel(image);
        let (row, cols) = (
            row + area.rows.start,
            col + area.cols.start..col + area.cols.end,
        );
        *group == self.group(plane, row, &cols)
    }

    /// The group of tiles in which a part of a row stands.
    fn group(&self, plane: usize, row: usize, cols: &Range<usize>) -> Group {
        let [width, height, depth] = self.table.tile;
        Group {
            image: self.id,
            plane: plane / depth,
            row: row / height,
            first: cols.start / width,
            end: cols.end.div_ceil(width),
        }
    }

    /// The plane, row and column at which a part of the image begins.
    pub(super) fn pixel(&self, image: &Image) -> (usize, usize, usize) {
        let [ncol, nrow, _] = self.table.axes;
        let first = (image.start - self.table.start) / self.table.bitpix.nbyte() as u64;
        let first =
            usize::try_from(first).expect("a pixel of the image, which has an address each");
        (first / ncol / nrow, first / ncol % nrow, first % ncol)
    }

    /// Copies the stored bytes of `area` of the image, or of a part of it, to `into`, which they fill.
    pub(in crate::source) fn copy(
        &self,
        file: &Opened<'_>,
        image: &Image,
        area: &Area,
        desk: &mut Desk,
        into: &mut [u8],
    ) -> Result<(), Fault> {
        if let Some((file, start)) = self.unpacked() {
            let start = image.start - self.table.start + start;
            return read_rows(file, Rows::of(&Image { start, ..*image }, area), into);
        }
        desk.reading.window.clear();
        let nbyte = self.table.bitpix.nbyte();
        let [width, height, depth] = self.table.tile;
        let (plane, row, col) = self.pixel(image);
        let rows = row + area.rows.start..row + area.rows.end;
        let cols = col + area.cols.start..col + area.cols.end;
        if width == self.table.axes[0] && height * depth == 1 {
            return self.copy_lines(file, (plane, rows, cols), desk, into);
        }
        let mut lines = into.chunks_exact_mut(cols.len() * nbyte);
        for row in rows {
            let group = self.group(plane, row, &cols);
            if desk.group != Some(group) {
                self.hold(file, group, desk)?;
            }
            // Planes of a tile stand one behind the other.
            let line = plane % depth * self.table.length(1, group.row) + row % height;
            if let Some(into) = lines.next() {
                self.copy_line(&group, &desk.held, line, &cols, into);
            }
        }
        Ok(())
    }

    /// Unpacks tiles of one row each.
    fn copy_lines(
        &self,
        file: &Opened<'_>,
        (plane, rows, cols): (usize, Range<usize>, Range<usize>),
        desk: &mut Desk,
        into: &mut [u8],
    ) -> Result<(), Fault> {
        let [ncol, nrow, _] = self.table.axes;
        let nbyte = self.table.bitpix.nbyte();
        let first = (plane * nrow + rows.start) as u64;
        let tiles = first..first + rows.len() as u64;
        let mut lines = into.chunks_exact_mut(cols.len() * nbyte);
        let Desk {
            reading,
            room,
            held,
            group,
        } = desk;
        let part = cols.start * nbyte..cols.end * nbyte;
        self.each(file, tiles, reading, |tile| {
            let Some(line) = lines.next() else {
                return Ok(());
            };
            if cols.len() == ncol {
                return self.unpack_tile(tile, ncol, room, line);
            }
            *group = None;
            let whole = exactly(held, ncol * nbyte);
            self.unpack_tile(tile, ncol, room, whole)?;
            line.copy_from_slice(&whole[part.clone()]);
            Ok(())
        })
    }

    /// Unpacks a group of tiles.
    fn hold(&self, file: &Opened<'_>, group: Group, desk: &mut Desk) -> Result<(), Fault> {
        let nbyte = self.table.bitpix.nbyte();
        let nline = self.nline(&group);
        let [nacross, ndown, _] = self.table.ntiles();
        let before = (group.plane * ndown + group.row) * nacross;
        let tiles = (before + group.first) as u64..(before + group.end) as u64;
        let mut numbers = group.first..group.end;
        let ncol: usize = numbers.clone().map(|tile| self.table.length(0, tile)).sum();
        desk.group = None;
        let mut rest = exactly(&mut desk.held, ncol * nline * nbyte);
        let room = &mut desk.room;
        self.each(file, tiles, &mut desk.reading, |tile| {
            let Some(number) = numbers.next() else {
                return Ok(());
            };
            let ncol = self.table.length(0, number);
            let (into, after) = std::mem::take(&mut rest).split_at_mut(ncol * nline * nbyte);
            rest = after;
            self.unpack_tile(tile, ncol, room, into)
        })?;
        desk.group = Some(group);
        Ok(())
    }

    /// Rows of the tiles of a group, all planes counted.
    fn nline(&self, group: &Group) -> usize {
        self.table.length(1, group.row) * self.table.length(2, group.plane)
    }

    /// Copies a part of a row out of tiles that are held.
    fn copy_line(
        &self,
        group: &Group,
        held: &[u8],
        line: usize,
        cols: &Range<usize>,
        into: &mut [u8],
    ) {
        let nbyte = self.table.bitpix.nbyte();
        let width = self.table.tile[0];
        let mut rest = into;
        for tile in group.first..group.end {
            // All but the last of an image are of one width.
            let start = (tile - group.first) * width * self.nline(group);
            let ncol = self.table.length(0, tile);
            let left = tile * width;
            let part = cols.start.max(left) - left..(cols.end - left).min(ncol);
            let first = (start + line * ncol + part.start) * nbyte;
            let (into, after) = rest.split_at_mut(part.len() * nbyte);
            into.copy_from_slice(&held[first..first + into.len()]);
            rest = after;
        }
    }

    /// Unpacks a tile of so many columns.
    fn unpack_tile(
        &self,
        tile: &PackedTile<'_>,
        ncol: usize,
        room: &mut Room,
        into: &mut [u8],
    ) -> Result<(), Fault> {
        let pixels = Pixels {
            bitpix: self.table.bitpix,
            quantised: self.table.quantised(tile.number, tile.row),
            ncol,
        };
        let done = match tile.form {
            Form::Packed => self.table.codec.unpack(tile.bytes, &pixels, room, into),
            Form::Gzipped => packed::gunzip(tile.bytes, room, into),
            Form::Plain => packed::unpacked(tile.bytes, into),
        };
        done.map_err(|packed::Fault(what)| Fault::Tile(tile.number + 1, what))
    }

    /// Hands over one tile after another.
    fn each(
        &self,
        file: &Opened<'_>,
        tiles: Range<u64>,
        reading: &mut Reading,
        mut work: impl FnMut(&PackedTile<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let Reading { rows, window } = reading;
        let row_nbyte = self.table.columns.row_nbyte;
        let mut first = tiles.start;
        while first < tiles.end {
            let count = usize::try_from(NROW.min(tiles.end - first)).unwrap_or(1);
            let rows = exactly(rows, count * row_nbyte);
            let start = self.table.start + first * row_nbyte as u64;
            file.copy(Rows::run(start, rows.len()), rows)?;
            let place = |at: usize| {
                let row = &rows[at * row_nbyte..(at + 1) * row_nbyte];
                let place = self.table.place(row);
                let place = place.map_err(|what| Fault::Tile(first + at as u64 + 1, what))?;
                let range = place.start..place.start + place.nbyte as u64;
                Ok::<_, Fault>((row, place.form, range))
            };
            for at in 0..count {
                let (row, form, range) = place(at)?;
                let behind = (at + 1..count).map_while(|next| Some(place(next).ok()?.2));
                let tile = PackedTile {
                    number: first + at as u64,
                    form,
                    row,
                    bytes: window.get(file, &range, behind)?,
                };
                work(&tile)?;
            }
            first += count as u64;
        }
        Ok(())
    }
}
