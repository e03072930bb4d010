//! Combined values beyond levels: kept and masked, blanked, or replaced.

use super::StackRoom;
use super::lanes::Lanes;
use crate::kernel::LANES;
use crate::recipe::Then;

impl StackRoom {
    /// Does to the values of a block what is asked for those below and above a level. How many samples were kept stays as it is; a blank
    /// pixel has no uncertainty either, as where nothing was left.
    pub(super) fn limit(&self, lanes: &mut Lanes) {
        if self.below.is_none() && self.above.is_none() {
            return;
        }
        for lane in 0..LANES {
            let value = lanes.value[lane];
            let Some(then) = Then::of(self.below, self.above, value) else {
                continue;
            };
            match then {
                Then::Mask => lanes.masked[lane] = true,
                Then::Nan => {
                    lanes.masked[lane] = true;
                    lanes.value[lane] = f64::NAN;
                    lanes.uncertainty[lane] = f64::NAN;
                }
                Then::Value(other) => lanes.value[lane] = other,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Width;
    use crate::recipe::Beyond;
    use crate::recipe::{Method, PixelType, Plane, Uncertainty};
    use crate::stack::Around;
    use crate::tile::{NPLANE, OutStrip};
    use std::sync::Arc;

    #[test]
    fn only_what_is_strictly_beyond_a_level_is_touched() {
        let limit = |level, then| Some(Beyond { level, then });
        let (below, above) = (limit(0.2, Then::Mask), limit(9.0, Then::Value(1.0)));
        for (value, then) in [
            (0.1, Some(Then::Mask)),
            (0.2, None),
            (9.0, None),
            (9.5, Some(Then::Value(1.0))),
            (f64::NAN, None),
        ] {
            assert_eq!(Then::of(below, above, value), then, "{value}");
        }
        assert_eq!(Then::of(None, None, 5.0), None);
    }

    /// A room that writes data, mask and uncertainty.
    fn room(below: Beyond, above: Beyond) -> StackRoom {
        StackRoom {
            width: Width::widest(),
            nframe: 1,
            method: Method::Average,
            clip: Vec::new(),
            critical: Arc::new([]),
            nkeep: 0,
            around: Around::default(),
            uncertainty: Uncertainty::Scatter,
            levels: Arc::new([]),
            weights: None,
            inverse_variance: false,
            needs_deviation: false,
            may_be_absent: true,
            below: Some(below),
            above: Some(above),
            planes: vec![
                (Plane::Data, PixelType::I16),
                (Plane::Mask, PixelType::U8),
                (Plane::Uncertainty, PixelType::F32),
            ],
        }
    }

    #[test]
    fn a_value_is_kept_and_masked_blanked_or_replaced() {
        let limit = |level, then| Beyond { level, then };
        for (below, above, data, mask, unknown) in [
            (
                Then::Mask,
                Then::Nan,
                [-5, 3, -32768],
                [1, 0, 1],
                [false, false, true],
            ),
            (
                Then::Value(1.0),
                Then::Mask,
                [1, 3, 50],
                [0, 0, 1],
                [false; 3],
            ),
        ] {
            let room = room(limit(0.0, below), limit(9.0, above));
            let mut lanes = Lanes {
                count: [1; LANES],
                uncertainty: [0.5; LANES],
                ..Lanes::default()
            };
            lanes.value[..3].copy_from_slice(&[-5.0, 3.0, 50.0]);
            room.limit(&mut lanes);
            let mut memory = [vec![0; 6], vec![0; 3], vec![0; 12]];
            let mut planes: [&mut [u8]; NPLANE] = Default::default();
            for (plane, bytes) in planes.iter_mut().zip(&mut memory) {
                *plane = bytes;
            }
            let mut strip = OutStrip {
                pixels: 0..3,
                planes,
            };
            let encoded = room.encode(&lanes, 0..3, &mut strip, |lane| (lane + 1, 1));
            assert!(encoded.is_ok());
            let (words, _) = memory[0].as_chunks();
            let stored: Vec<i16> = words.iter().map(|word| i16::from_be_bytes(*word)).collect();
            let (words, _) = memory[2].as_chunks();
            let nans: Vec<bool> = words
                .iter()
                .map(|word| f32::from_be_bytes(*word).is_nan())
                .collect();
            assert_eq!(
                (stored, &memory[1], nans),
                (data.to_vec(), &mask.to_vec(), unknown.to_vec())
            );
        }
    }

    #[test]
    fn a_replaced_value_is_not_met_by_the_other_limit() {
        let (below, above) = (
            Beyond {
                level: 0.0,
                then: Then::Value(99.0),
            },
            Beyond {
                level: 9.0,
                then: Then::Nan,
            },
        );
        assert_eq!(
            Then::of(Some(below), Some(above), -1.0),
            Some(Then::Value(99.0))
        );
    }
}
