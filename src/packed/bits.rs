//! Bits that are read one after another, the highest of a byte first.

use super::Fault;

/// Bits that are yet to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// The next bits, from the highest on; zeros behind them.
    window: u64,
    /// How many of the window are bits of the bytes.
    count: u32,
}

/// What is said of bytes that end before their numbers do.
pub(super) const ENDS_EARLY: Fault = Fault("ends before its pixels do");

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            window: 0,
            count: 0,
        }
    }

    /// Fills the window: behind this it has 56 bits or more, or all that there are.
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        if let Some(next) = self.bytes.first_chunk::<8>() {
            self.window |= u64::from_be_bytes(*next) >> self.count;
            let nbyte = (63 - self.count) >> 3;
            self.bytes = &self.bytes[nbyte as usize..];
            self.count += 8 * nbyte;
        } else {
            *self = self.at_end();
        }
    }

    #[cold]
    fn at_end(mut self) -> Self {
        while self.count < 56
            && let [next, rest @ ..] = self.bytes
        {
            self.window |= u64::from(*next) << (56 - self.count);
            self.bytes = rest;
            self.count += 8;
        }
        self
    }

    /// The window, and how many of its bits are there.
    #[inline(always)]
    pub(super) fn window(&self) -> (u64, u32) {
        (self.window, self.count)
    }

    /// Goes on by so many bits, which the window must have; it never has 64.
    #[inline(always)]
    pub(super) fn skip(&mut self, count: u32) {
        self.window <<= count;
        self.count -= count;
    }

    /// The next bits as a number, at most 32 of them.
    #[inline(always)]
    pub(super) fn take(&mut self, count: u32) -> Result<u32, Fault> {
        if self.count < count {
            self.refill();
            if self.count < count {
                return Err(ENDS_EARLY);
            }
        }
        // Two shifts, for a shift by 64 is none.
        #[expect(clippy::cast_possible_truncation, reason = "at most 32 bits")]
        let number = (self.window >> 1 >> (63 - count)) as u32;
        self.skip(count);
        Ok(number)
    }

    /// Goes on to the next whole byte.
    pub(super) fn align(&mut self) {
        self.skip(self.count % 8);
    }
}
