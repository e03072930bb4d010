//! A thread's place of work on packed tiles: what it has read of a file, and what it has unpacked.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crate::packed::{Room, exactly};
use crate::source::rows::Rows;
use crate::source::way::{Fault, Opened};

/// Bytes of a file that are read together.
const TOGETHER: usize = 64 << 10;

/// The place of work of one thread: it grows to what its images need, and no further.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    pub(super) reading: Reading,
    pub(super) room: Room,
    /// The pixels of tiles that are held, one tile behind the other.
    pub(super) held: Vec<u8>,
    /// Which these are.
    pub(super) group: Option<Group>,
}

/// A row of tiles: those of one height, from one column of tiles to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source) struct Group {
    /// Of which image.
    pub(super) image: u64,
    /// How many tiles stand before along the planes, and along the rows.
    pub(super) plane: usize,
    pub(super) row: usize,
    /// Its tiles along a row.
    pub(super) first: usize,
    pub(super) end: usize,
}

/// What was read of a file.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// Rows of the table.
    pub(super) rows: Vec<u8>,
    pub(super) window: Window,
}

/// Packed bytes, those of several tiles at a time where they stand together.
#[derive(Debug, Default)]
pub(super) struct Window {
    bytes: Vec<u8>,
    /// The byte of the file at which they begin, and how many they are.
    start: u64,
    length: usize,
}

impl Window {
    /// Bytes that it takes where the longest tile has so many.
    pub(super) fn nbyte(longest: usize) -> usize {
        longest.max(TOGETHER)
    }

    /// Forgets what was read: it may be of another file.
    pub(super) fn clear(&mut self) {
        self.length = 0;
    }

    /// The bytes of `range`; where they are to be read, so are those of the tiles `behind` that follow at once.
    pub(super) fn get(
        &mut self,
        file: &Opened<'_>,
        range: &Range<u64>,
        behind: impl Iterator<Item = Range<u64>>,
    ) -> Result<&[u8], Fault> {
        let (at, length) = (range.start, range.end - range.start);
        let length = usize::try_from(length).map_err(|_| Fault::Missing)?;
        let end = self.start + self.length as u64;
        if at < self.start || range.end > end {
            let most = at + Self::nbyte(length) as u64;
            let mut end = range.end;
            for next in behind {
                if next.start != end || next.end > most {
                    break;
                }
                end = next.end;
            }
            self.length = 0;
            let together = usize::try_from(end - at).map_err(|_| Fault::Missing)?;
            let bytes = exactly(&mut self.bytes, together);
            file.copy(Rows::run(at, together), bytes)?;
            (self.start, self.length) = (at, together);
        }
        let first = usize::try_from(at - self.start).map_err(|_| Fault::Missing)?;
        Ok(&self.bytes[first..first + length])
    }
}

/// Desks that go from hand to hand.
#[derive(Debug)]
pub(crate) struct Desks {
    /// Those that nobody works at, and how many more there may be.
    free: Mutex<(Vec<Desk>, usize)>,
}

impl Desks {
    /// Desks for so many threads, each of which may read the planes of a frame in turn: its image, its mask and its uncertainty.
    pub(crate) fn new(threads: usize) -> Self {
        const NPLANE: usize = 3;
        Self {
            free: Mutex::new((Vec::new(), threads.saturating_mul(NPLANE))),
        }
    }

    /// Works at a desk: at the one that holds what is wanted, if there is one, else at a new one, or at that which was left longest ago.
    pub(in crate::source) fn at<R>(
        &self,
        wants: impl Fn(&Group) -> bool,
        work: impl FnOnce(&mut Desk) -> R,
    ) -> R {
        let mut desk = {
            let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
            let (desks, more) = &mut *free;
            let held = desks
                .iter()
                .position(|desk| desk.group.as_ref().is_some_and(&wants));
            match held {
                Some(at) => desks.remove(at),
                None if *more > 0 || desks.is_empty() => {
                    *more = more.saturating_sub(1);
                    Desk::default()
                }
                None => desks.remove(0),
            }
        };
        let done = work(&mut desk);
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.0.push(desk);
        done
    }
}
