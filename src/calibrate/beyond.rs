//! What becomes of values below or above a level.

use crate::recipe::{Beyond, Then};

/// Does what is asked with a value below one level or above the other; NaN is neither.
pub(crate) fn beyond(
    below: Option<Beyond>,
    above: Option<Beyond>,
    value: &mut f64,
    masked: &mut bool,
) {
    let is_below = below.filter(|below| *value < below.level);
    let is_above = above.filter(|above| *value > above.level);
    match is_below.or(is_above).map(|beyond| beyond.then) {
        None => {}
        Some(Then::Mask) => *masked = true,
        Some(Then::Nan) => (*value, *masked) = (f64::NAN, true),
        Some(Then::Value(number)) => *value = number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_beyond_a_level_is_masked_blanked_or_replaced_and_others_are_left() {
        let below = |then| Some(Beyond { level: 0.2, then });
        let above = |then| Some(Beyond { level: 9.0, then });
        let done = |below, above, mut value: f64| {
            let mut masked = false;
            beyond(below, above, &mut value, &mut masked);
            (value.to_bits(), masked)
        };
        let is = |value: f64, masked| (value.to_bits(), masked);
        let (mask, one) = (below(Then::Mask), above(Then::Value(1.0)));
        assert_eq!(done(mask, one, 0.1), is(0.1, true));
        assert_eq!(done(mask, one, 0.2), is(0.2, false));
        assert_eq!(done(mask, one, 9.0), is(9.0, false));
        assert_eq!(done(mask, one, 9.5), is(1.0, false));
        assert_eq!(done(below(Then::Nan), None, -1.0), is(f64::NAN, true));
        assert_eq!(done(mask, one, f64::NAN), is(f64::NAN, false));
        assert_eq!(done(None, None, -1.0), is(-1.0, false));
    }
}
