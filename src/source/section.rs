//! Sections as headers have them: more forms than are typed, and over the edge of the frame at times.

use crate::header::{Keywords, printable};
use crate::recipe::Place;
use crate::shape::{Area, Shape};

/// A section of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The pixels.
    pub area: Area,
    /// What was cut off where it runs over the edge, in the words 'BIASSEC … cut to …'.
    pub cut: Option<String>,
}

/// The pixels of a place in a frame of this shape; `flag` is the one by which it was asked for.
pub(super) fn find(
    place: &Place,
    flag: &str,
    keywords: Keywords<'_>,
    shape: Shape,
) -> Result<Found, String> {
    match place {
        Place::Section(section) => match section.within(shape, flag) {
            Ok(area) => Ok(Found { area, cut: None }),
            Err(_) => Err(format!(
                "{flag} {section} is not within its {shape} pixels; columns come first, and both are counted from 1"
            )),
        },
        Place::Keyword(keyword) => {
            let value = keywords.value(keyword).ok_or_else(|| {
                format!(
                    "{}, which {flag} asks for, is not in its header; name another keyword, or give the section",
                    printable(keyword)
                )
            })?;
            written(&value.text(), keyword, shape).map_err(|fault| {
                format!("{fault}; name another keyword, or give the section: {flag} [x1:x2,y1:y2]")
            })
        }
    }
}

/// The pixels of a section that stands in a header under `keyword`; what runs over the edge is cut off.
fn written(text: &str, keyword: &str, shape: Shape) -> Result<Found, String> {
    let shown = || format!("{} '{}'", printable(keyword), printable(text));
    let [x, y] = axes(text).ok_or_else(|| format!("{} is no section", shown()))?;
    let (Some(cols), Some(rows)) = (x.within(shape.ncol), y.within(shape.nrow)) else {
        return Err(format!("{} lies outside its {shape} pixels", shown()));
    };
    let cut = cols.1 || rows.1;
    let area = Area {
        rows: rows.0,
        cols: cols.0,
    };
    let cut = cut.then(|| {
        format!(
            "{} runs over the edge of its {shape} pixels; cut to {}",
            shown(),
            as_text(&area)
        )
    });
    Ok(Found { area, cut })
}

/// An area as a header would have it.
pub(super) fn as_text(area: &Area) -> String {
    let Area { rows, cols } = area;
    format!(
        "[{}:{},{}:{}]",
        cols.start + 1,
        cols.end,
        rows.start + 1,
        rows.end
    )
}

/// One axis of a section, from 1, both ends included; an open end is that of the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Axis {
    first: Option<i64>,
    last: Option<i64>,
}

impl Axis {
    const WHOLE: Self = Self {
        first: None,
        last: None,
    };

    /// `*`, `7`, `1:5`, `5:1` for the same pixels, `3:`, `:8`, `1:5:1`.
    fn read(text: &str) -> Option<Self> {
        if ["*", "-*", ":"].contains(&text) {
            return Some(Self::WHOLE);
        }
        let end = |text: &str| match text {
            "" => Some(None),
            number => number.parse().ok().map(Some),
        };
        let parts: Vec<_> = text.split(':').collect();
        let (first, last) = match parts[..] {
            [only] => {
                let only = Some(only.parse().ok()?);
                (only, only)
            }
            [first, last] | [first, last, "" | "1" | "-1"] => (end(first)?, end(last)?),
            _ => return None,
        };
        Some(match (first, last) {
            (Some(first), Some(last)) if last < first => Self {
                first: Some(last),
                last: Some(first),
            },
            _ => Self { first, last },
        })
    }

    /// The pixels on an axis of this length, from 0, and whether any lie beyond; `None` if all do.
    fn within(self, length: usize) -> Option<(std::ops::Range<usize>, bool)> {
        let end = i64::try_from(length).ok()?;
        let (first, last) = (self.first.unwrap_or(1), self.last.unwrap_or(end));
        let range = usize::try_from(first.max(1)).ok()? - 1..usize::try_from(last.min(end)).ok()?;
        (!range.is_empty()).then_some((range, first < 1 || last > end))
    }
}

/// The axes of a section; of one axis, it holds for all rows.
fn axes(text: &str) -> Option<[Axis; 2]> {
    let plain: String = text.split_whitespace().collect();
    let inner = plain.strip_prefix('[')?.strip_suffix(']')?;
    match inner.split_once(',') {
        Some((x, y)) => Some([Axis::read(x)?, Axis::read(y)?]),
        None => Some([Axis::read(inner)?, Axis::WHOLE]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::Header;
    use crate::source::sample::{card, header_block};

    const SHAPE: Shape = Shape {
        nrow: 520,
        ncol: 536,
    };

    fn read(text: &str) -> Option<String> {
        written(text, "TRIMSEC", SHAPE)
            .ok()
            .map(|found| as_text(&found.area))
    }

    #[test]
    fn sections_are_read_in_every_form_that_headers_have() {
        for (text, area) in [
            ("[17:528,1:520]", "[17:528,1:520]"),
            ("[  17: 528,   1: 520]", "[17:528,1:520]"),
            ("[1:96, :]", "[1:96,1:520]"),
            ("[*,3:9]", "[1:536,3:9]"),
            ("[-*,3:9:1]", "[1:536,3:9]"),
            ("[409:419]", "[409:419,1:520]"),
            ("[528:17,520:1]", "[17:528,1:520]"),
            ("[5:, :7]", "[5:536,1:7]"),
            ("[5,7]", "[5:5,7:7]"),
        ] {
            assert_eq!(read(text).as_deref(), Some(area), "{text}");
        }
        for text in [
            "",
            "17:528,1:520",
            "[a:b,1:2]",
            "[1:2:3,1:2]",
            "[1:2,1:2,1:2]",
            "[,]",
            "[]",
            "[1.5:2,1:2]",
            "[99999999999999999999:2,1:2]",
        ] {
            let fault = written(text, "TRIMSEC", SHAPE).expect_err(text);
            assert!(fault.contains("is no section"), "{fault}");
        }
    }

    #[test]
    fn what_runs_over_the_edge_is_cut_and_told() {
        let binned = Shape {
            nrow: 1051,
            ncol: 400,
        };
        let found = written("[3:52,1:2102]", "BIASSEC", binned).expect("inside in part");
        assert_eq!(as_text(&found.area), "[3:52,1:1051]");
        assert_eq!(
            found.cut.as_deref(),
            Some(
                "BIASSEC '[3:52,1:2102]' runs over the edge of its 400 × 1051 pixels; cut to [3:52,1:1051]"
            )
        );
        let from_zero = written("[0:9,0:5]", "BIASSEC", binned).expect("inside in part");
        assert_eq!(as_text(&from_zero.area), "[1:9,1:5]");
        assert!(from_zero.cut.is_some());
        let whole = written("[1:400,1:1051]", "BIASSEC", binned).expect("inside");
        assert_eq!((whole.area, whole.cut), (binned.area(), None));
    }

    #[test]
    fn what_lies_outside_is_refused() {
        for text in ["[401:410,1:5]", "[0:0,0:0]", "[-5:-1,1:3]", "[1:5,2000:]"] {
            let shape = Shape {
                nrow: 1051,
                ncol: 400,
            };
            assert_eq!(
                written(text, "BIASSEC", shape),
                Err(format!(
                    "BIASSEC '{text}' lies outside its 400 × 1051 pixels"
                ))
            );
        }
    }

    #[test]
    fn a_place_is_typed_or_stands_under_a_keyword() {
        let header = Header::from_bytes(&header_block(&[card("BIASSEC", "'[1:4,*]'")]));
        let keywords = Keywords {
            image: &header,
            primary: None,
        };
        let of = |place: &Place| find(place, "--overscan", keywords, SHAPE);
        let keyword = |keyword: &str| Place::Keyword(keyword.into());
        let section = |text: &str| Place::Section(text.parse().expect("a section"));
        let area = of(&keyword("biassec")).map(|found| as_text(&found.area));
        assert_eq!(area.as_deref(), Ok("[1:4,1:520]"));
        assert_eq!(of(&section("[1:4,*]")), of(&keyword("BIASSEC")));
        assert_eq!(
            of(&section("[1:537,*]")).expect_err("refused"),
            "--overscan [1:537,*] is not within its 536 × 520 pixels; columns come first, and both are counted from 1"
        );
        let said = of(&keyword("TRIMSEC")).expect_err("refused");
        assert!(
            said.starts_with("TRIMSEC, which --overscan asks for, is not in its header"),
            "{said}"
        );
    }
}
