//! Whole numbers on their way into stored pixels.

use super::quantised::Dequantising;
use super::{Fault, Pixels};
use crate::pixels::Bitpix;

/// Numbers that are put at a time.
const PIECE: usize = 256;

/// What is said of a number that the pixels cannot hold.
const TOO_LARGE: Fault = Fault("holds a number that does not fit its BITPIX");

/// Pixels that are filled one after another.
#[derive(Debug)]
pub(super) struct Put<'a> {
    rest: &'a mut [u8],
    bitpix: Bitpix,
    dequantising: Option<Dequantising>,
    /// Added to each number.
    shift: i32,
    /// Whether a number that does not fit becomes the nearest that does.
    clips: bool,
}

impl<'a> Put<'a> {
    pub(super) fn new(pixels: &Pixels, out: &'a mut [u8]) -> Self {
        Self {
            rest: out,
            bitpix: pixels.bitpix,
            dequantising: pixels.quantised.as_ref().map(Dequantising::new),
            shift: 0,
            clips: false,
        }
    }

    /// Adds this to every number.
    pub(super) fn add(&mut self, shift: i32) {
        self.shift = shift;
    }

    /// Makes numbers fit: what lost bits on its way may lie beyond the type of the pixels.
    pub(super) fn clip(&mut self) {
        self.clips = true;
    }

    /// Puts the next numbers; there must be pixels left for them.
    #[inline]
    pub(super) fn numbers(&mut self, numbers: &[i32]) -> Result<(), Fault> {
        let size = numbers.len() * self.bitpix.nbyte();
        let rest = std::mem::take(&mut self.rest);
        let (out, rest) = rest
            .split_at_mut_checked(size)
            .ok_or(Fault("holds more numbers than it has pixels"))?;
        self.rest = rest;
        match (&mut self.dequantising, self.bitpix) {
            (Some(dequantising), Bitpix::F32) => {
                let (out, _) = out.as_chunks_mut::<4>();
                dequantising.floats(numbers, |at, value| {
                    #[expect(clippy::cast_possible_truncation, reason = "rounded, as it is stored")]
                    let value = value as f32;
                    out[at] = value.to_be_bytes();
                });
            }
            (Some(dequantising), _) => {
                let (out, _) = out.as_chunks_mut::<8>();
                dequantising.floats(numbers, |at, value| out[at] = value.to_be_bytes());
            }
            (None, Bitpix::U8) => self.narrow(numbers, out, |number: u8| [number])?,
            (None, Bitpix::I16) => self.narrow(numbers, out, i16::to_be_bytes)?,
            (None, Bitpix::I32) => self.narrow(numbers, out, i32::to_be_bytes)?,
            (None, Bitpix::I64) => self.narrow(numbers, out, i64::to_be_bytes)?,
            (None, Bitpix::F32 | Bitpix::F64) => {
                return Err(Fault("holds whole numbers, where its pixels are floats"));
            }
        }
        Ok(())
    }

    /// Stores numbers as pixels of `N` bytes, if they fit.
    #[inline(always)]
    fn narrow<T: Bounded, const N: usize>(
        &self,
        numbers: &[i32],
        out: &mut [u8],
        bytes: impl Fn(T) -> [u8; N],
    ) -> Result<(), Fault> {
        let (out, _) = out.as_chunks_mut::<N>();
        let mut fits = true;
        for (out, number) in out.iter_mut().zip(numbers) {
            let number = number.wrapping_add(self.shift);
            let near = number.clamp(T::LEAST, T::MOST);
            fits &= near == number;
            *out = bytes(T::of(near));
        }
        if fits || self.clips {
            Ok(())
        } else {
            Err(TOO_LARGE)
        }
    }

    /// Puts the next numbers, whose low 32 bits count.
    pub(super) fn wide(&mut self, numbers: &[i64]) -> Result<(), Fault> {
        self.each(numbers.len(), |at| {
            #[expect(clippy::cast_possible_truncation, reason = "as CFITSIO does")]
            let number = numbers[at] as i32;
            Ok(number)
        })
    }

    /// Puts so many numbers, each by its index.
    #[inline(always)]
    pub(super) fn each(
        &mut self,
        count: usize,
        number: impl Fn(usize) -> Result<i32, Fault>,
    ) -> Result<(), Fault> {
        let mut piece = [0; PIECE];
        for first in (0..count).step_by(PIECE) {
            let piece = &mut piece[..PIECE.min(count - first)];
            for (at, place) in piece.iter_mut().enumerate() {
                *place = number(first + at)?;
            }
            self.numbers(piece)?;
        }
        Ok(())
    }

    /// Wants every pixel to be filled.
    pub(super) fn end(self) -> Result<(), Fault> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Fault("holds fewer numbers than it has pixels"))
        }
    }
}

/// Whole numbers that a pixel can hold.
trait Bounded {
    const LEAST: i32;
    const MOST: i32;

    /// A number that it can hold.
    fn of(number: i32) -> Self;
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it stands between LEAST and MOST"
)]
mod bounds {
    use super::Bounded;

    impl Bounded for u8 {
        const LEAST: i32 = 0;
        const MOST: i32 = 255;

        fn of(number: i32) -> Self {
            number as Self
        }
    }

    impl Bounded for i16 {
        const LEAST: i32 = -32768;
        const MOST: i32 = 32767;

        fn of(number: i32) -> Self {
            number as Self
        }
    }
}

impl Bounded for i32 {
    const LEAST: i32 = i32::MIN;
    const MOST: i32 = i32::MAX;

    fn of(number: i32) -> Self {
        number
    }
}

impl Bounded for i64 {
    const LEAST: i32 = i32::MIN;
    const MOST: i32 = i32::MAX;

    fn of(number: i32) -> Self {
        Self::from(number)
    }
}
