//! What the user should know of the frames, said once however many there are of which it holds.

use std::collections::HashMap;

/// Remarks on frames, in the order in which they came up.
#[derive(Debug, Default)]
pub(super) struct Remarks {
    said: Vec<Remark>,
    /// Where in `said` each matter stands.
    places: HashMap<String, usize>,
}

#[derive(Debug)]
struct Remark {
    text: String,
    more: usize,
}

impl Remarks {
    /// Adds what is to be said of a frame in a matter; of the first frame of a matter it is said in full.
    pub(super) fn add(&mut self, matter: &str, name: &str, text: &str) {
        if let Some(&place) = self.places.get(matter) {
            self.said[place].more += 1;
            return;
        }
        self.places.insert(matter.to_owned(), self.said.len());
        self.said.push(Remark {
            text: format!("{name}: {text}"),
            more: 0,
        });
    }

    /// The remarks as sentences.
    pub(super) fn texts(self) -> impl Iterator<Item = String> {
        self.said
            .into_iter()
            .map(|Remark { text, more }| match more {
                0 => text,
                1 => format!("{text} (and so with 1 more frame)"),
                more => format!("{text} (and so with {more} more frames)"),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matter_is_told_once_with_the_number_of_frames() {
        let mut remarks = Remarks::default();
        for name in ["a.fits", "b.fits", "c.fits"] {
            remarks.add("cut", name, "is cut");
        }
        remarks.add("done", "b.fits", "is done");
        assert_eq!(
            remarks.texts().collect::<Vec<_>>(),
            [
                "a.fits: is cut (and so with 2 more frames)",
                "b.fits: is done"
            ]
        );
    }
}
