//! PLIO_1: runs of equal numbers, in instructions of 16 bits, as IRAF keeps its masks.
//!
//! Source: CFITSIO, `pl_l2pi`; IRAF, `plio`.

use super::Fault;
use super::bits::ENDS_EARLY;
use super::put::Put;

/// Numbers that are put at a time: runs are often of one.
const PIECE: usize = 256;

/// Numbers on their way to pixels.
struct Runs<'p, 'out> {
    put: &'p mut Put<'out>,
    numbers: [i32; PIECE],
    count: usize,
}

impl Runs<'_, '_> {
    /// Adds a number so many times.
    fn add(&mut self, number: i32, mut count: usize) -> Result<(), Fault> {
        while count > 0 {
            let now = count.min(PIECE - self.count);
            self.numbers[self.count..self.count + now].fill(number);
            (self.count, count) = (self.count + now, count - now);
            if self.count == PIECE {
                self.end()?;
            }
        }
        Ok(())
    }

    /// Puts those that wait.
    fn end(&mut self) -> Result<(), Fault> {
        let count = std::mem::take(&mut self.count);
        self.put.numbers(&self.numbers[..count])
    }
}

/// Takes a tile of `npixel` numbers apart.
pub(super) fn unpack(packed: &[u8], npixel: usize, put: &mut Put<'_>) -> Result<(), Fault> {
    let (words, _) = packed.as_chunks::<2>();
    let word = |at: usize| words.get(at).map(|word| i16::from_be_bytes(*word));
    let long = |at: usize| word(at).map(i32::from).ok_or(ENDS_EARLY);
    let place = |number: i32| usize::try_from(number).map_err(|_| Fault("has no length"));
    let (first, end) = match long(2)? {
        length if length > 0 => (3, place(length)?),
        _ => (place(long(1)?)?, place((long(4)? << 15) + long(3)?)?),
    };
    let mut runs = Runs {
        put,
        numbers: [0; PIECE],
        count: 0,
    };
    let mut high = 1_i32;
    let mut left = npixel;
    let mut at = first;
    while at < end && left > 0 {
        let instruction = long(at)?;
        let (operation, data) = (instruction >> 12, instruction & 0xfff);
        at += 1;
        match operation {
            0 | 4 | 5 => {
                let whole = place(data)?;
                let run = whole.min(left);
                left -= run;
                let last = usize::from(operation == 5 && run == whole && run > 0);
                runs.add(if operation == 4 { high } else { 0 }, run - last)?;
                runs.add(high, last)?;
            }
            1 => {
                high = (long(at)? << 12).wrapping_add(data);
                at += 1;
            }
            2 | 6 => high = high.wrapping_add(data),
            3 | 7 => high = high.wrapping_sub(data),
            _ => return Err(Fault("has an instruction that there is not")),
        }
        if operation >= 6 {
            runs.add(high, 1)?;
            left -= 1;
        }
    }
    runs.add(0, left)?;
    runs.end()
}
