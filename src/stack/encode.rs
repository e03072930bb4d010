//! Values become the stored bytes of the output planes.

use std::ops::Range;

use super::StackRoom;
use super::lanes::Lanes;
use crate::error::{Error, Result};
use crate::recipe::{PixelType, Plane};
use crate::tile::OutStrip;

impl StackRoom {
    /// Writes the lanes of a block into the planes of a strip, at `pixels` of it.
    pub(super) fn encode(
        &self,
        lanes: &Lanes,
        pixels: Range<usize>,
        out: &mut OutStrip<'_>,
        place: impl Fn(usize) -> (usize, usize),
    ) -> Result<()> {
        let nused = pixels.len();
        for ((plane, pixel), bytes) in self.planes.iter().zip(&mut out.planes) {
            let bytes = &mut bytes[pixels.start * pixel.nbyte()..pixels.end * pixel.nbyte()];
            match plane {
                Plane::Data => data(*pixel, &lanes.value[..nused], bytes, &place)?,
                Plane::Uncertainty => data(*pixel, &lanes.uncertainty[..nused], bytes, &place)?,
                Plane::Mask => {
                    for (lane, byte) in bytes.iter_mut().enumerate() {
                        *byte = u8::from(lanes.count[lane] == 0 || lanes.masked[lane]);
                    }
                }
                Plane::Count => counts(&lanes.count[..nused], bytes),
                Plane::Low => counts(&lanes.taken.low[..nused], bytes),
                Plane::High => counts(&lanes.taken.high[..nused], bytes),
                Plane::LowBy(family) => {
                    counts(&lanes.by_family[*family as usize].low[..nused], bytes);
                }
                Plane::HighBy(family) => {
                    counts(&lanes.by_family[*family as usize].high[..nused], bytes);
                }
            }
        }
        Ok(())
    }
}

/// Writes numbers as big-endian pixels, each rounded once; `place` is the column and row of a value.
///
/// # Errors
///
/// [`Error::Misfit`] naming a pixel whose value does not fit.
#[inline(always)]
pub(crate) fn data(
    pixel: PixelType,
    values: &[f64],
    bytes: &mut [u8],
    place: &impl Fn(usize) -> (usize, usize),
) -> Result<()> {
    match pixel {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "rounding is what is asked for"
        )]
        PixelType::F32 => put(values, bytes, |value| (value as f32).to_be_bytes()),
        PixelType::F64 => put(values, bytes, f64::to_be_bytes),
        PixelType::U8 => whole::<1>(pixel, values, bytes, 0..=255, 0, place)?,
        PixelType::I16 => whole::<2>(pixel, values, bytes, -32767..=32767, 0, place)?,
        PixelType::U16 => whole::<2>(pixel, values, bytes, 0..=65534, 32768, place)?,
        PixelType::I32 => whole::<4>(
            pixel,
            values,
            bytes,
            -2_147_483_647..=2_147_483_647,
            0,
            place,
        )?,
    }
    Ok(())
}

/// Writes one pixel a value.
#[inline(always)]
fn put<const N: usize>(values: &[f64], bytes: &mut [u8], stored: impl Fn(f64) -> [u8; N]) {
    for (bytes, value) in bytes.as_chunks_mut::<N>().0.iter_mut().zip(values) {
        *bytes = stored(*value);
    }
}

/// Writes values as integers, rounded half to even; NaN becomes BLANK.
fn whole<const N: usize>(
    pixel: PixelType,
    values: &[f64],
    bytes: &mut [u8],
    range: std::ops::RangeInclusive<i64>,
    bzero: i64,
    place: &impl Fn(usize) -> (usize, usize),
) -> Result<()> {
    let blank = pixel.blank().unwrap_or(0);
    for (lane, (bytes, value)) in bytes
        .as_chunks_mut::<N>()
        .0
        .iter_mut()
        .zip(values)
        .enumerate()
    {
        let rounded = value.round_ties_even();
        let stored = if value.is_nan() {
            blank
        } else if (*range.start() as f64..=*range.end() as f64).contains(&rounded) {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "checked to be in a range of whole numbers"
            )]
            let whole = rounded as i64;
            whole - bzero
        } else {
            let (col, row) = place(lane);
            return Err(Error::Misfit {
                pixel: format!("pixel [{col},{row}] of the result"),
                fault: format!(
                    "its value {value} does not fit --dtype {pixel}, which holds {} to {} and one value for 'nothing left'; \
                     choose a wider --dtype",
                    range.start(),
                    range.end(),
                ),
            });
        };
        // The low bytes of the two's complement.
        bytes.copy_from_slice(&stored.to_be_bytes()[8 - N..]);
    }
    Ok(())
}

/// Writes counts as int32.
fn counts(counts: &[u32], bytes: &mut [u8]) {
    for (bytes, count) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(counts) {
        *bytes = count.to_be_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(pixel: PixelType, values: &[f64]) -> Result<Vec<u8>> {
        let mut bytes = vec![0; values.len() * pixel.nbyte()];
        data(pixel, values, &mut bytes, &|lane| (lane + 1, 7))?;
        Ok(bytes)
    }

    #[test]
    fn integers_round_half_to_even_and_keep_a_value_for_nothing() {
        let bytes = stored(PixelType::I16, &[0.5, 1.5, -2.5, f64::NAN]).ok();
        assert_eq!(bytes, Some(vec![0, 0, 0, 2, 0xff, 0xfe, 0x80, 0]));
        let bytes = stored(PixelType::U16, &[0.0, 65534.0, f64::NAN]).ok();
        assert_eq!(bytes, Some(vec![0x80, 0, 0x7f, 0xfe, 0x7f, 0xff]));
    }

    #[test]
    fn a_value_that_does_not_fit_names_its_pixel() {
        for (pixel, value) in [
            (PixelType::I16, -32768.0),
            (PixelType::U16, 65535.0),
            (PixelType::I32, 3e9),
            (PixelType::I16, f64::INFINITY),
        ] {
            let message = stored(pixel, &[1.0, value]).map_err(|error| error.to_string());
            assert!(
                message.is_err_and(|text| text.contains("pixel [2,7]")),
                "{pixel:?} {value}"
            );
        }
    }
}
