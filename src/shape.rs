//! Shapes of frames, and rectangles in them.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use crate::error::{Error, Result};

/// Rows and columns of an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Shape {
    /// NAXIS2.
    pub nrow: usize,
    /// NAXIS1.
    pub ncol: usize,
}

impl Shape {
    /// How many pixels there are.
    pub fn npixel(self) -> usize {
        self.nrow * self.ncol
    }

    /// The whole image.
    pub fn area(self) -> Area {
        Area {
            rows: 0..self.nrow,
            cols: 0..self.ncol,
        }
    }
}

impl fmt::Display for Shape {
    /// NAXIS1 × NAXIS2, as FITS has them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} × {}", self.ncol, self.nrow)
    }
}

/// A rectangle of pixels: half open, from 0.
///
/// A *row band* is an area of whole rows; where not even one row of every frame fits in memory, an area is
/// part of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Area {
    /// The rows.
    pub rows: Range<usize>,
    /// The columns.
    pub cols: Range<usize>,
}

impl Area {
    /// Rows and columns of the rectangle.
    pub fn shape(&self) -> Shape {
        Shape {
            nrow: self.rows.len(),
            ncol: self.cols.len(),
        }
    }

    /// How many pixels it has.
    pub fn npixel(&self) -> usize {
        self.shape().npixel()
    }

    /// Its pixels, counted along the rows of an image of `ncol` columns: it has whole rows, or stands in one.
    pub(crate) fn run(&self, ncol: usize) -> Range<usize> {
        debug_assert!(
            self.rows.len() <= 1 || self.cols.len() == ncol,
            "its pixels follow one another"
        );
        let first = self.rows.start * ncol + self.cols.start;
        first..first + self.npixel()
    }
}

/// A section as FITS headers and IRAF write it: `[x1:x2,y1:y2]`, from 1, both ends included, `*` or `:` for a whole axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    x: Option<(usize, usize)>,
    y: Option<(usize, usize)>,
}

impl FromStr for Section {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::Value {
            what: "section",
            text: text.into(),
            expected: "[x1:x2,y1:y2], counted from 1, both ends included, or * for a whole axis"
                .into(),
        };
        let inner = text
            .trim()
            .strip_prefix('[')
            .and_then(|t| t.strip_suffix(']'))
            .ok_or_else(wrong)?;
        let (x, y) = inner.split_once(',').ok_or_else(wrong)?;
        Ok(Self {
            x: axis(x).ok_or_else(wrong)?,
            y: axis(y).ok_or_else(wrong)?,
        })
    }
}

/// One axis of a section; `None` inside for a whole axis, `None` outside where it does not read.
#[expect(
    clippy::option_option,
    reason = "a whole axis and a fault are different things"
)]
fn axis(text: &str) -> Option<Option<(usize, usize)>> {
    let text = text.trim();
    if text == "*" || text == ":" {
        return Some(None);
    }
    let (first, last) = match text.split_once(':') {
        Some((first, last)) => (first.trim().parse().ok()?, last.trim().parse().ok()?),
        None => {
            let only = text.parse().ok()?;
            (only, only)
        }
    };
    (1 <= first && first <= last).then_some(Some((first, last)))
}

impl Section {
    /// The pixels of the section in a frame of this shape; `flag` is named if it runs over the edge.
    ///
    /// # Errors
    ///
    /// [`Error::Frame`] when the section is not wholly inside.
    pub fn within(&self, shape: Shape, flag: &str) -> Result<Area> {
        let range = |axis: Option<(usize, usize)>, length: usize| match axis {
            None => Some(0..length),
            Some((first, last)) if last <= length => Some(first - 1..last),
            Some(_) => None,
        };
        match (range(self.y, shape.nrow), range(self.x, shape.ncol)) {
            (Some(rows), Some(cols)) => Ok(Area { rows, cols }),
            _ => Err(Error::frame(
                format!("{flag} {self}"),
                format!("runs over the edge of the frames, which have {shape} pixels"),
            )),
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let axis = |axis: Option<(usize, usize)>| match axis {
            None => "*".to_owned(),
            Some((first, last)) => format!("{first}:{last}"),
        };
        write!(f, "[{},{}]", axis(self.x), axis(self.y))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_section_counts_from_one_and_includes_both_ends() {
        let shape = Shape { nrow: 10, ncol: 20 };
        let area = |text: &str| text.parse::<Section>().ok()?.within(shape, "--region").ok();
        assert_eq!(area("[1:20,1:10]"), Some(shape.area()));
        assert_eq!(area("[*,:]"), Some(shape.area()));
        assert_eq!(
            area("[ 3: 5 , 2 ]"),
            Some(Area {
                rows: 1..2,
                cols: 2..5
            })
        );
        for text in [
            "[1:21,1:10]",
            "[0:3,1:2]",
            "[3:1,1:2]",
            "[1:2]",
            "1:2,3:4",
            "[a:b,c:d]",
            "[-1:2,1:2]",
            "",
        ] {
            assert_eq!(area(text), None, "{text}");
        }
    }
    proptest! {
        #[test]
        fn a_section_is_inside_or_refused_and_reads_back(
            ends in prop::array::uniform4(0_usize..40), nrow in 1_usize..30, ncol in 1_usize..30,
        ) {
            let [x1, x2, y1, y2] = ends;
            let text = format!("[{x1}:{x2},{y1}:{y2}]");
            let legal = 1 <= x1 && x1 <= x2 && 1 <= y1 && y1 <= y2;
            let section = text.parse::<Section>();
            prop_assert_eq!(section.is_ok(), legal, "{}", text);
            let Ok(section) = section else { return Ok(()) };
            let again = section.to_string().parse::<Section>().ok();
            prop_assert_eq!(again.as_ref(), Some(&section));
            let area = section.within(Shape { nrow, ncol }, "--region").ok();
            let inside = x2 <= ncol && y2 <= nrow;
            let wanted = inside.then(|| Area { rows: y1 - 1..y2, cols: x1 - 1..x2 });
            prop_assert_eq!(area, wanted);
        }

        #[test]
        fn any_text_is_a_section_or_none(text in "[\\[\\]:,*0-9 -]{0,20}|.*") {
            if let Ok(section) = text.parse::<Section>() {
                let area = section.within(Shape { nrow: 3, ncol: 4 }, "--region");
                prop_assert!(area.is_err() || area.is_ok_and(|area| area.npixel() <= 12));
            }
        }
    }
}
