//! The first frame, and what it sets for all others.

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::header::{Keywords, printable};
use crate::shape::Shape;
use crate::source::agree::FirstHeader;
use crate::source::chips::Chips;

/// The shape of a frame before and after the trim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shapes {
    pub whole: Shape,
    pub trimmed: Shape,
}

impl Shapes {
    /// What a plane of the shape `found` hears, in the words '4 × 3 pixels, but a.fits has 3 × 3', where it should be as frame
    /// `name` is after the trim; `None` where it is.
    pub(super) fn fault(self, found: Shape, name: &str) -> Option<String> {
        let Self { whole, trimmed } = self;
        let has = if whole == trimmed {
            format!("has {trimmed}; the two must be alike, by --trim or another file")
        } else if whole == found {
            format!(
                "is trimmed from that to {trimmed}; trim this in the same way before it is used"
            )
        } else {
            format!(
                "has {trimmed} after the trim, {whole} before; choose another --trim, or another file"
            )
        };
        (found != trimmed).then(|| format!("{found} pixels, but {name} {has}"))
    }
}

/// The first frame.
#[derive(Debug)]
pub(super) struct First {
    pub name: String,
    pub image: FirstHeader,
    pub primary: Option<FirstHeader>,
    pub extname: Option<String>,
    pub chips: Chips,
    pub shapes: Shapes,
    /// The unit of its samples behind the gain.
    pub unit: String,
}

impl First {
    /// Refuses a frame that does not go with the first.
    pub(super) fn check(&self, name: &str, shapes: Shapes, unit: &str) -> Result<()> {
        let first = &self.name;
        if shapes.trimmed != self.shapes.trimmed {
            let whole = |shapes: Shapes| shapes.whole == shapes.trimmed;
            if whole(shapes) && whole(self.shapes) {
                return Err(Error::Shapes {
                    frame: name.to_owned(),
                    shape: shapes.trimmed,
                    first: first.clone(),
                    first_shape: self.shapes.trimmed,
                });
            }
            let fault = format!(
                "{} pixels after the trim ({} before), but {first} has {} ({} before); only frames of one shape combine",
                shapes.trimmed, shapes.whole, self.shapes.trimmed, self.shapes.whole
            );
            return Err(Error::frame(name, fault));
        }
        if unit != self.unit {
            let (unit, other) = (printable(unit), printable(&self.unit));
            let fault = format!(
                "its unit is '{unit}', but {first} has '{other}'; only frames of one unit combine"
            );
            return Err(Error::frame(name, fault));
        }
        Ok(())
    }

    /// Adds the keywords of which another frame does not say the same.
    pub(super) fn compare(&self, keywords: Keywords<'_>, differing: &mut BTreeSet<String>) {
        self.image.compare(keywords.image, differing);
        if let (Some(first), Some(primary)) = (&self.primary, keywords.primary) {
            first.compare(primary, differing);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_of_the_untrimmed_shape_is_told_what_helps() {
        let (large, small, other) = (
            Shape { nrow: 5, ncol: 6 },
            Shape { nrow: 4, ncol: 4 },
            Shape { nrow: 3, ncol: 3 },
        );
        let shapes = Shapes {
            whole: large,
            trimmed: small,
        };
        assert_eq!(shapes.fault(small, "a.fits"), None);
        assert_eq!(
            shapes.fault(large, "a.fits").as_deref(),
            Some(
                "6 × 5 pixels, but a.fits is trimmed from that to 4 × 4; trim this in the same way before it is used"
            )
        );
        assert_eq!(
            shapes.fault(other, "a.fits").as_deref(),
            Some(
                "3 × 3 pixels, but a.fits has 4 × 4 after the trim, 6 × 5 before; choose another --trim, or another file"
            )
        );
        let plain = Shapes {
            whole: large,
            trimmed: large,
        };
        assert_eq!(
            plain.fault(small, "a.fits").as_deref(),
            Some(
                "4 × 4 pixels, but a.fits has 6 × 5; the two must be alike, by --trim or another file"
            )
        );
    }
}
