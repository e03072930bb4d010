//! What of a recipe decides the bytes of its result, flag by flag: two runs that agree in it, on the same frames, make the same file.
//!
//! Limit, threads, the way of reading and what becomes of an existing file are not among it. Each struct is taken apart field by field, so
//! that a new choice cannot be forgotten here.

use std::fmt::{Debug, Display};

use super::{
    Calibration, Compression, Folder, Frames, Neighbours, Output, PixelType, Plane, Recipe,
    Reduction, Stack,
};
use crate::checksum::digest;
use crate::shape::Section;

/// A flag, and its value as text.
pub(crate) type Choice = (String, String);

/// Longer texts are cut, and told from others by their digest.
const LONGEST: usize = 200;

impl Recipe {
    /// What decides the bytes of the combined image.
    pub(crate) fn deciding(&self) -> Vec<Choice> {
        let Self {
            frames,
            calibration,
            stack,
            output,
            resources: _,
        } = self;
        let Output {
            path: _,
            overwrite: _,
            planes,
            dtype,
            compression,
            rejected,
            resume: _,
            sync_every: _,
        } = output;
        let mut choices = of_frames(frames);
        choices.extend(of_calibration(calibration));
        choices.extend(of_stack(stack));
        choices.push(("--planes".into(), of_planes(Some(planes))));
        choices.push(("--dtype".into(), of_type(*dtype)));
        choices.extend(of_compression(*compression));
        if rejected.is_some() {
            choices.push(shown("--rejected", "a folder"));
        }
        choices
    }
}

impl Reduction {
    /// What decides the bytes of the calibrated frames.
    pub(crate) fn deciding(&self) -> Vec<Choice> {
        let Self {
            frames,
            calibration,
            stats_section,
            folder,
            resources: _,
        } = self;
        let Folder {
            path: _,
            suffix: _,
            overwrite: _,
            planes,
            dtype,
            compression,
            resume: _,
        } = folder;
        let mut choices = of_frames(frames);
        choices.extend(of_calibration(calibration));
        choices.push(("--stats-section".into(), of_section(stats_section.as_ref())));
        choices.push(("--planes".into(), of_planes(planes.as_deref())));
        choices.push(("--dtype".into(), of_type(*dtype)));
        choices.extend(of_compression(*compression));
        choices
    }
}

/// Neither the names are among it, nor whether some may be left out: the frames themselves are compared.
fn of_frames(frames: &Frames) -> Vec<Choice> {
    let Frames {
        names: _,
        hdu,
        conditions,
        mask_hdu,
        uncertainty_hdu,
        bad_pixels,
        region,
        skip_bad: _,
    } = frames;
    let bad_pixels = bad_pixels.as_ref().map(|path| path.display().to_string());
    let or_none = |name: &Option<String>| name.clone().unwrap_or_else(|| "none".into());
    vec![
        shown("--hdu", hdu),
        shown("--where", all(conditions)),
        shown("--mask-hdu", or_none(mask_hdu)),
        shown("--uncertainty-hdu", or_none(uncertainty_hdu)),
        shown("--bad-pixels", or_none(&bad_pixels)),
        shown("--region", of_section(region.as_ref())),
    ]
}

fn of_calibration(calibration: &Calibration) -> Vec<Choice> {
    let Calibration {
        overscan,
        trim,
        deviation,
        gain,
        gain_last,
        readnoise,
        mask_bits,
        bias,
        dark,
        flat,
        sky,
        below,
        above,
        redo,
    } = calibration;
    vec![
        told("--overscan", overscan),
        told("--trim", trim),
        told("--deviation", deviation),
        told("--gain", gain),
        told("--gain-last", gain_last),
        told("--readnoise", readnoise),
        told("--mask-bits", mask_bits),
        told("--bias", bias),
        told("--dark", dark),
        told("--flat", flat),
        told("--sky", sky),
        told("--below", below),
        told("--above", above),
        told("--redo", redo),
    ]
}

fn of_stack(stack: &Stack) -> Vec<Choice> {
    let Stack {
        method,
        clip,
        neighbours: Neighbours { grow, hole_fill },
        nkeep,
        scale,
        zero,
        scale_to,
        zero_to,
        stats_section,
        weight,
        uncertainty,
    } = stack;
    vec![
        shown("--method", method),
        shown("--clip", all(clip)),
        shown("--grow", grow),
        shown("--hole-fill", hole_fill),
        shown("--nkeep", nkeep),
        shown("--scale", scale),
        shown("--zero", zero),
        shown("--scale-to", scale_to.text(1.0)),
        shown("--zero-to", zero_to.text(0.0)),
        shown("--stats-section", of_section(stats_section.as_ref())),
        shown("--weight", weight),
        shown("--uncertainty", uncertainty),
    ]
}

fn of_section(section: Option<&Section>) -> String {
    section.map_or_else(|| "[*,*]".into(), ToString::to_string)
}

/// Their order changes nothing.
fn of_planes(planes: Option<&[Plane]>) -> String {
    let Some(planes) = planes else {
        return "auto".into();
    };
    let mut planes = planes.to_vec();
    planes.sort_unstable();
    planes.dedup();
    let names: Vec<String> = planes.iter().map(ToString::to_string).collect();
    names.join(",")
}

fn of_type(dtype: Option<PixelType>) -> String {
    dtype.map_or_else(|| "auto".into(), |dtype| dtype.to_string())
}

/// Nothing where nothing is packed.
fn of_compression(compression: Option<Compression>) -> Vec<Choice> {
    let Some(Compression { codec, quantize }) = compression else {
        return Vec::new();
    };
    let quantize = quantize.map_or_else(|| "none".into(), |steps| steps.to_string());
    vec![shown("--compress", codec), shown("--quantize", quantize)]
}

fn all<T: Display>(values: &[T]) -> String {
    let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
    texts.join(" ")
}

fn shown(flag: &str, value: impl Display) -> Choice {
    (flag.into(), short(value.to_string()))
}

/// For choices whose text leaves something out.
fn told(flag: &str, value: &impl Debug) -> Choice {
    (flag.into(), short(format!("{value:?}")))
}

fn short(text: String) -> String {
    if text.len() <= LONGEST {
        return text;
    }
    let digest = digest([text.as_bytes()]);
    let first: String = text.chars().take(LONGEST / 4).collect();
    format!("{first}… ({} bytes, digest {digest:016x})", text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Clip, Io, Level, Method, Resources};
    use crate::units::ByteSize;

    fn recipe() -> Recipe {
        Recipe {
            frames: Frames::new(["*.fits"]),
            calibration: Calibration::default(),
            stack: Stack::default(),
            output: Output::new("out.fits"),
            resources: Resources {
                mem_limit: ByteSize(64 << 20),
                threads: 2,
                io: Io::Auto,
                temp_dir: None,
            },
        }
    }

    /// The flags on which a recipe that was changed differs from one that was not.
    fn differ(change: impl FnOnce(&mut Recipe)) -> Vec<String> {
        let mut other = recipe();
        change(&mut other);
        let (ours, theirs) = (recipe().deciding(), other.deciding());
        let pairs = ours.into_iter().zip(theirs);
        pairs
            .filter(|(one, other)| one != other)
            .map(|(one, _)| one.0)
            .collect()
    }

    #[test]
    fn only_what_decides_the_bytes_is_told() {
        assert!(
            differ(|recipe| {
                recipe.resources.threads = 7;
                recipe.resources.io = Io::Mmap;
                recipe.resources.mem_limit = ByteSize(1);
                recipe.output.overwrite = true;
                recipe.output.resume = true;
                recipe.output.planes.reverse();
                recipe.frames.names = vec!["night/*.fits".into()];
            })
            .is_empty()
        );
        assert_eq!(
            differ(|recipe| recipe.stack.method = Method::Median),
            ["--method"]
        );
        assert_eq!(
            differ(|recipe| recipe.stack.clip = vec![Clip::Extrema { nlow: 1, nhigh: 1 }]),
            ["--clip"]
        );
        assert_eq!(
            differ(|recipe| recipe.output.dtype = Some(PixelType::F64)),
            ["--dtype"]
        );
        assert_eq!(
            differ(|recipe| recipe.calibration.bias = Some("bias.fits".into())),
            ["--bias"]
        );
    }

    #[test]
    fn long_lists_are_told_apart_though_they_are_cut() {
        let numbers = |last: f64| {
            let mut numbers = vec![1.5; 5000];
            numbers.push(last);
            let mut recipe = recipe();
            recipe.stack.scale = Level::Values(numbers);
            let choices = recipe.deciding();
            let scale = choices.into_iter().find(|(flag, _)| flag == "--scale");
            scale.map_or(String::new(), |(_, text)| text)
        };
        assert!(numbers(1.0).len() <= LONGEST && numbers(1.0).starts_with("1.5,1.5,"));
        assert_ne!(numbers(1.0), numbers(2.0));
    }
}
