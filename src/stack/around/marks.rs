//! What became of each sample of a tile: a byte for each, frame after frame.

use std::ops::Range;

use super::super::lanes::Lanes;
use crate::kernel::{LANES, Row, Sample};
use crate::recipe::Family;
use crate::shape::Shape;

/// A clip step took the sample on its low side.
pub(crate) const LOW: u8 = 1;
/// On its high side.
pub(crate) const HIGH: u8 = 2;
/// It was taken as the neighbour of such.
pub(crate) const NEIGHBOUR: u8 = 3;
/// The bits that say that it was taken.
pub(super) const TAKEN: u8 = 3;
/// What is round it is to be taken too.
pub(super) const SEED: u8 = 4;
/// There was none.
pub(super) const ABSENT: u8 = 8;
/// It is to be taken next.
pub(super) const NEXT: u8 = 16;
/// It is in no hole.
pub(super) const OPEN: u8 = 32;
/// Where the bits begin that say what sort of step took it: 0 for bounds that lead the chain, else the number of its family and 1, that of bounds
/// being the highest.
const SORT: u32 = 6;

/// The mark of a sample that a step of this family took, behind the head of the chain.
pub(crate) fn note_of(family: Family, low: bool) -> u8 {
    let side = if low { LOW } else { HIGH };
    side | match family {
        Family::Bounds => 3 << SORT,
        Family::Order => SEED | 1 << SORT,
        Family::Deviation => SEED | 2 << SORT,
    }
}

/// The family of the step that left a mark.
fn family(mark: u8) -> Family {
    match mark >> SORT {
        1 => Family::Order,
        2 => Family::Deviation,
        _ => Family::Bounds,
    }
}

/// Whether a mark is that of a sample which was there when the steps began, behind the bounds that lead the chain.
fn was_present(mark: u8) -> bool {
    mark & ABSENT == 0 && (mark & TAKEN == 0 || mark & TAKEN == NEIGHBOUR || mark >> SORT != 0)
}

/// Frames that are told of in one byte: two bits each, the first frame in the lowest.
const TOGETHER: usize = 4;

/// The marks of a tile.
#[derive(Debug)]
pub(crate) struct Marks {
    bytes: Vec<u8>,
    nframe: usize,
    shape: Shape,
}

impl Marks {
    /// Room for tiles of so many pixels a frame.
    pub(super) fn new(nframe: usize, npixel: usize) -> Self {
        Self {
            bytes: vec![0; nframe * npixel],
            nframe,
            shape: Shape::default(),
        }
    }

    /// Begins a tile of this shape; each of its samples is to be [put](Self::put).
    pub(crate) fn begin(&mut self, shape: Shape) {
        self.shape = shape;
    }

    /// The shape of the tile.
    pub(super) fn shape(&self) -> Shape {
        self.shape
    }

    /// How many frames there are.
    pub(super) fn nframe(&self) -> usize {
        self.nframe
    }

    /// The marks of a frame.
    pub(super) fn frame(&mut self, frame: usize) -> &mut [u8] {
        let npixel = self.shape.npixel();
        &mut self.bytes[frame * npixel..][..npixel]
    }

    fn row(&self, frame: usize, row: usize) -> &[u8] {
        let Shape { nrow, ncol } = self.shape;
        &self.bytes[(frame * nrow + row) * ncol..][..ncol]
    }

    /// Takes over the marks of a block; the absent ones of its samples are marked as that.
    pub(super) fn put<T: Sample>(
        &mut self,
        pixels: Range<usize>,
        block: &[[u8; LANES]],
        rows: &[Row<T>],
    ) {
        let npixel = self.shape.npixel();
        let frames = self.bytes.chunks_exact_mut(npixel);
        for ((marks, row), bytes) in block.iter().zip(rows).zip(frames) {
            let samples = marks.iter().zip(&row.0);
            for (byte, (mark, sample)) in bytes[pixels.clone()].iter_mut().zip(samples) {
                let absent = *mark == 0 && !sample.is_present();
                *byte = if absent { ABSENT } else { *mark };
            }
        }
    }

    /// Makes the samples of a block absent that are marked as taken; counts those of clip steps.
    pub(super) fn erase<T: Sample>(
        &self,
        pixels: Range<usize>,
        rows: &mut [Row<T>],
        lanes: &mut Lanes,
    ) {
        let frames = self.bytes.chunks_exact(self.shape.npixel());
        for (row, bytes) in rows.iter_mut().zip(frames) {
            for (lane, byte) in bytes[pixels.clone()].iter().enumerate() {
                let taken = byte & TAKEN;
                if taken != 0 {
                    row.0[lane] = T::ABSENT;
                    if taken != NEIGHBOUR {
                        lanes.take_one(family(*byte), lane, taken == LOW);
                    }
                }
            }
        }
    }

    /// Counts at each pixel of a row the samples that were there before clipping, those that are kept, and those of them that are to be
    /// taken next.
    pub(super) fn count(&self, row: usize, counts: &mut Vec<[u32; 3]>) {
        counts.clear();
        counts.resize(self.shape.ncol, [0; 3]);
        for frame in 0..self.nframe {
            for ([present, kept, next], mark) in counts.iter_mut().zip(self.row(frame, row)) {
                *present += u32::from(was_present(*mark));
                *kept += u32::from(mark & (TAKEN | ABSENT) == 0);
                *next += u32::from(mark & NEXT != 0);
            }
        }
    }

    /// Takes the samples of a row that are to be taken next, where enough are left; returns how many.
    pub(super) fn take_next(
        &mut self,
        frame: usize,
        row: usize,
        enough: impl Fn(usize) -> bool,
    ) -> u64 {
        let Shape { nrow, ncol } = self.shape;
        let marks = &mut self.bytes[(frame * nrow + row) * ncol..][..ncol];
        let mut taken = 0;
        if marks.iter().any(|mark| mark & NEXT != 0) {
            for (col, mark) in marks.iter_mut().enumerate() {
                if *mark & NEXT != 0 {
                    let enough = enough(col);
                    *mark = if enough { NEIGHBOUR } else { *mark & !NEXT };
                    taken += u64::from(enough);
                }
            }
        }
        taken
    }

    /// Tells what became of the samples of these rows of the tile, where there is room for that: row after row, in each byte four frames of
    /// a pixel.
    pub(crate) fn tell(&self, rows: &Range<usize>, told: &mut [u8]) {
        if told.is_empty() {
            return;
        }
        let ncol = self.shape.ncol;
        let ngroup = told_nbyte(self.nframe);
        for (row, told) in rows.clone().zip(told.chunks_exact_mut(ncol * ngroup)) {
            for (group, told) in told.chunks_exact_mut(ncol).enumerate() {
                told.fill(0);
                let first = group * TOGETHER;
                for frame in first..self.nframe.min(first + TOGETHER) {
                    for (told, mark) in told.iter_mut().zip(self.row(frame, row)) {
                        *told |= (mark & TAKEN) << (2 * (frame - first));
                    }
                }
            }
        }
    }
}

/// Bytes a pixel that telling what became of the samples of so many frames takes.
pub(crate) fn told_nbyte(nframe: usize) -> usize {
    nframe.div_ceil(TOGETHER)
}

/// Where, among the bytes that tell of a row of so many pixels, those stand that tell of a frame.
pub(crate) fn told_of(frame: usize, ncol: usize) -> Range<usize> {
    let start = frame / TOGETHER * ncol;
    start..start + ncol
}

/// Takes the code of a frame out of such bytes: 0 kept or absent, 1 low, 2 high, 3 neighbour.
pub(crate) fn code(frame: usize, told: u8) -> u8 {
    told >> (2 * (frame % TOGETHER)) & TAKEN
}
