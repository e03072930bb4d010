//! Which image of a master belongs to which of the frames: the chips of a camera, each in an HDU of its own.

use crate::header::printable;
use crate::source::choose::{Chip, images};
use crate::source::companions::CompanionNames;
use crate::source::file::FitsFile;

/// The image of a frame among those of its file.
#[derive(Clone, Debug)]
pub(crate) struct Chips {
    all: Vec<Chip>,
    /// Which of them it is.
    own: usize,
}

impl Chips {
    /// The chips of a file, the image in HDU `number` among them.
    pub(super) fn of(file: &mut FitsFile, number: usize, names: CompanionNames<'_>) -> Self {
        let all = images(file, names).unwrap_or_default();
        match all.iter().position(|chip| chip.number == number) {
            Some(own) => Self { all, own },
            None => {
                let unit = file.known(number);
                let chip = Chip {
                    number,
                    name: unit.name(),
                    version: unit.version(),
                };
                Self {
                    all: vec![chip],
                    own: 0,
                }
            }
        }
    }

    /// The HDU of the image that belongs to this chip, among the `images` of a master: by EXTNAME, then by order. A lone image
    /// serves any chip, but not where the run goes over `every` one; and never one that has the name of another chip.
    pub(super) fn matching(&self, images: &[Chip], every: bool) -> Result<usize, String> {
        let Self { all, own } = self;
        let chip = &all[*own];
        let same = |a: &Chip, b: &Chip| match (&a.name, &b.name) {
            (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
            _ => false,
        };
        let named: Vec<_> = images.iter().filter(|image| same(image, chip)).collect();
        let exact = named.iter().find(|image| image.version == chip.version);
        match (exact, &named[..]) {
            (Some(image), _) | (None, [image]) => return Ok(image.number),
            _ => {}
        }
        let at = if images.len() == 1 && !every { 0 } else { *own };
        let fault = match images.get(at) {
            None => match images.len() {
                1 => "has 1 image".to_owned(),
                count => format!("has {count} images"),
            },
            Some(image) => {
                let other = all
                    .iter()
                    .find(|other| same(image, other) && !same(image, chip));
                match other.and_then(|other| other.name.as_deref()) {
                    None => return Ok(image.number),
                    Some(name) => format!("has '{}' in that place", printable(name)),
                }
            }
        };
        let shown = chip
            .name
            .as_ref()
            .map_or(String::new(), |name| format!(", '{}'", printable(name)));
        Err(format!(
            "{fault}, none for image {} of {}{shown}",
            own + 1,
            all.len()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Images of these names, from HDU 1 on; an empty one has none.
    fn chips(names: &[&str]) -> Vec<Chip> {
        let chip = |(number, name): (usize, &&str)| Chip {
            number,
            name: (!name.is_empty()).then(|| (*name).to_owned()),
            version: 1,
        };
        (1..).zip(names).map(chip).collect()
    }

    fn matched(own: usize, frame: &[&str], master: &[&str], every: bool) -> Result<usize, String> {
        let all = chips(frame);
        Chips { all, own }.matching(&chips(master), every)
    }

    #[test]
    fn chips_match_by_name_then_by_order() {
        assert_eq!(matched(1, &["A", "B"], &["b", "a"], true), Ok(1));
        assert_eq!(matched(1, &["", ""], &["X", "Y"], true), Ok(2));
        assert_eq!(matched(1, &["A", "B"], &["", ""], true), Ok(2));
        assert_eq!(matched(0, &["im1"], &["BIAS"], true), Ok(1));
    }

    #[test]
    fn a_version_tells_chips_of_one_name_apart() {
        let versions = || {
            let mut chips = chips(&["SCI", "SCI"]);
            chips[1].version = 2;
            chips
        };
        let frame = |own| Chips {
            all: versions(),
            own,
        };
        assert_eq!(frame(0).matching(&versions(), true), Ok(1));
        assert_eq!(frame(1).matching(&versions(), true), Ok(2));
        assert_eq!(frame(1).matching(&chips(&["SCI"]), false), Ok(1));
    }

    #[test]
    fn the_master_of_one_chip_is_not_taken_for_that_of_another() {
        assert_eq!(matched(1, &["", ""], &[""], false), Ok(1));
        assert_eq!(
            matched(1, &["", ""], &[""], true).expect_err("refused"),
            "has 1 image, none for image 2 of 2"
        );
        assert_eq!(
            matched(1, &["A", "B", "C"], &["A", "C"], true).expect_err("refused"),
            "has 'C' in that place, none for image 2 of 3, 'B'"
        );
        assert_eq!(
            matched(1, &["A", "B"], &["A"], false).expect_err("refused"),
            "has 'A' in that place, none for image 2 of 2, 'B'"
        );
    }
}
