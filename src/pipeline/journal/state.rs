//! What is kept of a run on the disk, so that it can be taken up: what it was asked, what it was made of, how far it came.

use serde::{Deserialize, Serialize};

use crate::checksum::Sum;
use crate::measure::Measured;
use crate::recipe::Choice;
use crate::runs::Runs;
use crate::source::{Frame, FrameList, Masters, Stamp};
use crate::stack::Tally;

/// The form of the state file; another number is another form.
const FORMAT: u32 = 2;

/// The state of a run.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::pipeline) struct State {
    format: u32,
    /// The version of the program, which may decide bytes too.
    version: String,
    /// The number by which the system knows the hidden file: under its own name the output has it still.
    pub(super) inode: u64,
    /// The same of its packed form, once that is whole.
    pub(super) packed: Option<u64>,
    recipe: Vec<Choice>,
    /// The images of the output, as far as they were begun.
    pub(super) images: Vec<ImageState>,
}

/// The state of an image of the output.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::pipeline) struct ImageState {
    pub(super) inputs: Vec<Input>,
    pub(super) npixel: usize,
    /// What was measured of the sky of each frame, and of its level.
    pub(super) sky: Vec<Option<Measured>>,
    pub(super) levels: Vec<Option<Measured>>,
    /// Its planes, once they have their place in the file.
    pub(super) planes: Vec<PlaneState>,
    /// The pixels that are written, and what they came to.
    pub(super) done: Runs,
    pub(super) tally: Tally,
}

/// A plane of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::pipeline) struct PlaneState {
    /// The byte of the file at which its pixels begin.
    pub(in crate::pipeline) start: u64,
    /// Bytes of a pixel.
    pub(in crate::pipeline) nbyte: u64,
    /// The sum of the pixels that are written.
    pub(in crate::pipeline) sum: u32,
    /// Whether they stand in the file beside.
    #[serde(default)]
    pub(in crate::pipeline) beside: bool,
}

/// A file that takes part in an image, as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::pipeline) struct Input {
    /// A frame without its folder, or a master with its flag.
    name: String,
    length: u64,
    /// When it was written last, in nanoseconds since 1970.
    modified: i128,
    /// The digest of the header of a frame.
    header: u64,
}

impl State {
    pub(super) fn new(recipe: Vec<Choice>, inode: u64) -> Self {
        Self {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").into(),
            inode,
            packed: None,
            recipe,
            images: Vec::new(),
        }
    }

    /// The numbers of the file that is to have the name of the output.
    pub(super) fn inodes(&self) -> [Option<u64>; 2] {
        [Some(self.inode), self.packed]
    }

    /// Whether the file is in the form that this version writes.
    pub(super) fn is_readable(&self) -> bool {
        self.format == FORMAT
    }

    /// What the run was asked otherwise than this one is; `None` where it is the same.
    pub(super) fn asked_otherwise(&self, recipe: &[Choice]) -> Option<String> {
        if self.version != env!("CARGO_PKG_VERSION") {
            let (was, is) = (&self.version, env!("CARGO_PKG_VERSION"));
            return Some(format!("ccdstream {was} began it, and this is {is}"));
        }
        let of = |choices: &'_ [Choice], flag: &str| -> String {
            let found = choices.iter().find(|(name, _)| name == flag);
            found.map_or("nothing".into(), |(_, text)| format!("'{text}'"))
        };
        let no_longer = |(flag, _): &&Choice| recipe.iter().all(|(other, _)| other != flag);
        let flags = recipe.iter().chain(self.recipe.iter().filter(no_longer));
        let flags = flags.map(|(flag, _)| flag.as_str());
        let mut flags = flags.filter(|flag| of(&self.recipe, flag) != of(recipe, flag));
        let flag = flags.next()?;
        let (was, is) = (of(&self.recipe, flag), of(recipe, flag));
        let others: Vec<&str> = flags.collect();
        let others = if others.is_empty() {
            String::new()
        } else {
            format!("; and so with {}", others.join(", "))
        };
        Some(format!("{flag} was {was}, and is {is} now{others}"))
    }

    /// How much of the output is done, where it has so many images: from 0 to 1.
    pub(super) fn fraction(&self, nimage: usize) -> f64 {
        let of = |image: &ImageState| image.done.npixel() as f64 / image.npixel.max(1) as f64;
        self.images.iter().map(of).sum::<f64>() / nimage.max(1) as f64
    }
}

impl ImageState {
    pub(super) fn new(inputs: Vec<Input>, npixel: usize, tally: Tally) -> Self {
        Self {
            inputs,
            npixel,
            sky: Vec::new(),
            levels: Vec::new(),
            planes: Vec::new(),
            done: Runs::default(),
            tally,
        }
    }

    /// How many frames were measured.
    pub(super) fn measured(&self) -> usize {
        let known = |list: &[Option<Measured>]| list.iter().flatten().count();
        known(&self.sky).max(known(&self.levels))
    }

    /// Whether it could be the state of an image at all: what stands in a file can be anything.
    pub(super) fn is_sound(&self) -> bool {
        self.done.are_sound(self.npixel) && (self.done.is_empty() || !self.planes.is_empty())
    }

    /// Whether it is that of an image of so many pixels, frames, steps and planes.
    pub(super) fn is_of(
        &self,
        npixel: usize,
        (nstep, nframe): (usize, usize),
        nplane: usize,
    ) -> bool {
        self.npixel == npixel
            && self.tally.is_of(nstep, nframe)
            && [0, nplane].contains(&self.planes.len())
            && [&self.sky, &self.levels].map(|list| [0, nframe].contains(&list.len())) == [true; 2]
    }

    /// The byte behind its last plane; `None` where that is more than can be counted.
    pub(super) fn end(&self) -> Option<u64> {
        let npixel = u64::try_from(self.npixel).ok()?;
        let end = |plane: &PlaneState| plane.start.checked_add(plane.nbyte.checked_mul(npixel)?);
        let planes = self.planes.iter().filter(|plane| !plane.beside);
        let ends = planes.map(end).collect::<Option<Vec<_>>>()?;
        Some(ends.into_iter().max().unwrap_or(0))
    }
}

impl PlaneState {
    pub(in crate::pipeline) fn sum(self) -> Sum {
        Sum::from_value(self.sum)
    }
}

/// Bytes that the state of an image of these frames takes, and what is counted over so many steps.
pub(in crate::pipeline) fn nbyte(list: &FrameList, nstep: usize) -> u64 {
    // While an earlier state is held against what there is now, both are there.
    let tallies = 2 * Tally::nbyte(nstep, list.frames.len());
    let name = |frame: &Frame| frame.base_name().len() + 16;
    let names: usize = list.frames.iter().map(name).sum();
    let each = 2 * size_of::<Input>() + 2 * size_of::<Option<Measured>>();
    (2 * names + each * list.frames.len() + tallies) as u64
}

/// The files that take part in an image.
pub(in crate::pipeline) fn inputs(list: &FrameList, masters: &Masters) -> Vec<Input> {
    let input = |name: String, stamp: Stamp, header: u64| Input {
        name,
        length: stamp.length,
        modified: stamp.modified,
        header,
    };
    let frames = list.frames.iter();
    let frames = frames.map(|frame| input(frame.base_name(), frame.stamp, frame.header));
    let bad_pixels = list.bad_pixels.iter();
    let bad_pixels = bad_pixels.map(|mask| input("--bad-pixels".into(), mask.stamp, 0));
    let masters = masters.all();
    let masters = masters.map(|(role, master)| input(role.flag().into(), master.stamp, 0));
    frames.chain(bad_pixels).chain(masters).collect()
}

/// What changed of the files since; `None` where nothing did.
pub(super) fn changed(earlier: &[Input], now: &[Input]) -> Option<String> {
    for (number, (was, is)) in earlier.iter().zip(now).enumerate() {
        let name = &is.name;
        if was.name != *name {
            let number = number + 1;
            return Some(format!(
                "frame {number} was {}, and is {name} now",
                was.name
            ));
        }
        if was.length != is.length {
            let (was, is) = (was.length, is.length);
            return Some(format!("{name} had {was} bytes, and has {is} now"));
        }
        if was.header != is.header {
            return Some(format!("the header of {name} is another now"));
        }
        if was.modified != is.modified {
            return Some(format!("{name} was written again since"));
        }
    }
    let one_more = |more: &[Input]| more.first().map(|input| input.name.clone());
    if let Some(name) = one_more(&earlier[now.len().min(earlier.len())..]) {
        return Some(format!("{name} is no longer there"));
    }
    one_more(&now[earlier.len().min(now.len())..]).map(|name| format!("{name} is new"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(name: &str, length: u64, modified: i128, header: u64) -> Input {
        Input {
            name: name.into(),
            length,
            modified,
            header,
        }
    }

    #[test]
    fn what_changed_of_the_files_is_named() {
        let night = [input("a", 5, -7, 1), input("b", 6, 8, 2)];
        let said = |now: &[Input]| changed(&night, now).unwrap_or_default();
        assert_eq!(said(&night), "");
        assert_eq!(said(&night[..1]), "b is no longer there");
        assert_eq!(
            said(&[night[0].clone(), input("b", 7, 8, 2)]),
            "b had 6 bytes, and has 7 now"
        );
        assert_eq!(
            said(&[night[0].clone(), input("b", 6, 9, 2)]),
            "b was written again since"
        );
        assert_eq!(
            said(&[input("a", 5, -7, 3), night[1].clone()]),
            "the header of a is another now"
        );
        assert_eq!(
            said(&[night[1].clone(), night[0].clone()]),
            "frame 1 was a, and is b now"
        );
        let more = [night.to_vec(), vec![input("c", 1, 1, 1)]].concat();
        assert_eq!(said(&more), "c is new");
    }

    #[test]
    fn what_was_asked_otherwise_is_named() {
        let choice = |flag: &str, text: &str| (flag.to_owned(), text.to_owned());
        let state = State::new(
            vec![choice("--clip", "sigma:3,3"), choice("--dtype", "auto")],
            1,
        );
        let said = |clip: &str, dtype: &str| {
            let recipe = [choice("--clip", clip), choice("--dtype", dtype)];
            state.asked_otherwise(&recipe).unwrap_or_default()
        };
        assert_eq!(said("sigma:3,3", "auto"), "");
        assert_eq!(
            said("sigma:4,4", "f64"),
            "--clip was 'sigma:3,3', and is 'sigma:4,4' now; and so with --dtype"
        );
        let older = State {
            version: "0.0.1".into(),
            ..State::new(Vec::new(), 1)
        };
        let said = older.asked_otherwise(&[]).unwrap_or_default();
        assert!(said.starts_with("ccdstream 0.0.1 began it"), "{said}");
    }

    #[test]
    fn a_state_comes_back_from_its_text_as_it_was() -> serde_json::Result<()> {
        let mut image = ImageState::new(
            vec![input("ä.fits", 1, -5, u64::MAX)],
            100,
            Tally::new(2, 1),
        );
        image.levels = vec![
            Some(Measured {
                mean: f64::NAN,
                median: 0.1 + 0.2,
                mode: -0.0,
                mad: 1.5,
                noise: f64::INFINITY,
                npresent: 7,
            }),
            None,
        ];
        image.done.insert(3..50);
        let mut state = State::new(Vec::new(), 3);
        state.images.push(image);
        let text = serde_json::to_string(&state)?;
        let again: State = serde_json::from_str(&text)?;
        assert_eq!(serde_json::to_string(&again)?, text);
        assert!(again.images[0].is_of(100, (2, 1), 0) == again.images[0].is_of(100, (2, 1), 3));
        Ok(())
    }
}
