//! What was typed becomes what it means: a recipe, checked as far as that goes without opening a frame.

use std::ffi::OsStr;
use std::path::Path;

use ccdstream::recipe::{
    Frames, Level, LevelTo, Neighbours, Norm, Output, PixelType, Plane, Resources, Sky, Stack,
    Uncertainty, Weight,
};
use ccdstream::{ByteSize, Error, Limit, Recipe, Result};

use super::args;
use super::combine::{self, Combine};
use super::compression;

mod calibration;

/// What this process may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine {
    /// Memory in bytes.
    pub(crate) memory: ByteSize,
    /// Cores.
    pub(crate) cores: usize,
}

/// What the choices of a user mean.
#[derive(Debug)]
pub(crate) struct Choices<R> {
    pub(crate) recipe: R,
    /// What the user should know about them.
    pub(crate) warnings: Vec<String>,
}

impl Combine {
    /// Returns what was typed as a recipe for this machine.
    ///
    /// # Errors
    ///
    /// [`Error::Choice`] where choices do not go together, and [`Error::Value`] where one does not do.
    pub(crate) fn choices(&self, machine: Machine) -> Result<Choices<Recipe>> {
        let frames = Frames {
            region: self.region.clone(),
            ..frames(&self.names, &self.frames)?
        };
        let output = Output {
            resume: self.resources.resume,
            sync_every: self.resources.sync_seconds,
            ..output(&self.output, &self.combining)?
        };
        let stack = self.stack()?;
        let resources = resources(&self.resources, machine);
        let no_text = |path: &Path| path.to_str().is_none();
        if self.messages.json
            && (no_text(&self.output.path) || self.output.rejected.as_deref().is_some_and(no_text))
        {
            return choice(
                "--json cannot tell the name of the output, which is no Unicode text; choose another",
            );
        }
        let warnings = self.warnings(&stack, &output, &resources, machine);
        let recipe = Recipe {
            frames,
            calibration: self.calibrating.choices()?,
            stack,
            output,
            resources,
        };
        recipe.check()?;
        Ok(Choices { recipe, warnings })
    }

    fn stack(&self) -> Result<Stack> {
        let Self {
            scaling,
            rejection,
            combining,
            ..
        } = self;
        for (flag, to, of, level) in [
            ("--scale-to", scaling.scale_to, "--scale", &scaling.scale),
            ("--zero-to", scaling.zero_to, "--zero", &scaling.zero),
        ] {
            if to.is_some() && *level == Level::None {
                return choice(format!("{flag} has no effect without {of}"));
            }
        }
        let mut stack = Stack {
            method: combining.method,
            clip: rejection.clip.clone(),
            nkeep: rejection.nkeep,
            neighbours: Neighbours {
                grow: rejection.grow,
                hole_fill: rejection.hole_fill,
            },
            scale: scaling.scale.clone(),
            zero: scaling.zero.clone(),
            scale_to: scaling.scale_to.unwrap_or(LevelTo::Unity),
            zero_to: scaling.zero_to.unwrap_or(LevelTo::Unity),
            stats_section: scaling.stats_section.clone(),
            weight: combining.weight.clone(),
            uncertainty: combining.uncertainty,
        };
        if scaling.norm != Norm::None {
            stack.normalise(scaling.norm);
        }
        Ok(stack)
    }

    /// Choices that are legal, but hardly what was meant.
    fn warnings(
        &self,
        stack: &Stack,
        output: &Output,
        resources: &Resources,
        machine: Machine,
    ) -> Vec<String> {
        let Self {
            scaling,
            rejection,
            combining,
            ..
        } = self;
        let written = output.planes.contains(&Plane::Uncertainty);
        let stats_section = scaling.stats_section.is_some()
            && !stack.measures()
            && self.calibrating.sky == Sky::None;
        let method = combining.method;
        let ignored = (!method.weighs() && combining.weight != Weight::None)
            .then(|| format!("--weight has no effect on --method {method}, which ignores weights"));
        let mut warnings: Vec<String> = ignored.into_iter().collect();
        warnings.extend(given([
            (
                combining.uncertainty == Uncertainty::Propagate && !written,
                "--uncertainty propagate: --planes leaves its plane out, but samples of unknown uncertainty are absent all the same",
            ),
            (
                stats_section,
                "--stats-section has no effect: nothing is measured for --scale, --zero, --norm, --weight or --sky",
            ),
            (
                rejection.nkeep != 0 && rejection.clip.is_empty(),
                "--nkeep has no effect without --clip",
            ),
        ]));
        warnings.extend(self.calibrating.warnings());
        warnings.extend(too_much(resources, machine));
        warnings
    }
}

/// Those of these warnings that hold.
fn given<const N: usize>(warnings: [(bool, &str); N]) -> Vec<String> {
    let held = warnings.into_iter().filter(|(holds, _)| *holds);
    held.map(|(_, warning)| warning.to_owned()).collect()
}

/// A warning where the limit is more than there is.
fn too_much(resources: &Resources, machine: Machine) -> Option<String> {
    (resources.mem_limit > machine.memory).then(|| {
        format!(
            "--mem-limit {} is more than the {} that this process may use",
            resources.mem_limit, machine.memory
        )
    })
}

fn choice<T>(fault: impl Into<String>) -> Result<T> {
    Err(Error::Choice(fault.into()))
}

/// The frames that were typed, with no region.
fn frames(names: &[impl AsRef<OsStr>], typed: &args::Frames) -> Result<Frames> {
    let name = |name| unicode("frame", name);
    let names: Result<Vec<&str>> = names.iter().map(AsRef::as_ref).map(name).collect();
    let mask_hdu = companion("--mask-hdu", &typed.mask_hdu)?;
    let uncertainty_hdu = companion("--uncertainty-hdu", &typed.uncertainty_hdu)?;
    if let (Some(mask), Some(uncertainty)) = (&mask_hdu, &uncertainty_hdu)
        && mask.eq_ignore_ascii_case(uncertainty)
    {
        return choice(format!("--mask-hdu and --uncertainty-hdu both take {mask}"));
    }
    Ok(Frames {
        hdu: typed.hdu.clone(),
        conditions: typed.conditions.clone(),
        mask_hdu,
        uncertainty_hdu,
        bad_pixels: typed.bad_pixels.clone(),
        skip_bad: typed.skip_bad,
        ..Frames::new(names?)
    })
}

/// The name of a file as text: HDUs, patterns and lists are found in it.
fn unicode<'a>(what: &'static str, name: &'a OsStr) -> Result<&'a str> {
    name.to_str().ok_or_else(|| Error::Value {
        what,
        text: name.to_string_lossy().into_owned(),
        expected: "a name in Unicode (UTF-8); rename the file, or name it by its folder".into(),
    })
}

/// The EXTNAME of a companion plane, unless it is `none`.
fn companion(flag: &'static str, name: &str) -> Result<Option<String>> {
    match name.trim() {
        "" => Err(Error::Value {
            what: flag,
            text: name.into(),
            expected: "an EXTNAME, or none".into(),
        }),
        none if none.eq_ignore_ascii_case("none") => Ok(None),
        name => Ok(Some(name.into())),
    }
}

fn output(typed: &combine::Output, combining: &combine::Combining) -> Result<Output> {
    if typed.path == Path::new("-") {
        return choice(
            "--output -: the image is written in any order and cannot go to standard output; name a file",
        );
    }
    let mut output = Output {
        overwrite: typed.overwrite,
        rejected: typed.rejected.clone(),
        ..Output::new(&typed.path)
    };
    if let Some(typed) = &typed.planes {
        output.planes = planes(typed)?;
    } else if combining.uncertainty == Uncertainty::None || !combining.method.has_uncertainty() {
        output.planes.retain(|plane| *plane != Plane::Uncertainty);
    }
    output.dtype = pixel_type(&typed.dtype)?;
    let has_floats =
        output.dtype.is_none_or(PixelType::is_float) || output.planes.contains(&Plane::Uncertainty);
    output.compression = typed.compression.choices(has_floats)?;
    compression::name_agrees(&output.path, output.compression)?;
    Ok(output)
}

/// The planes that were typed, and data, in order.
fn planes(typed: &[Plane]) -> Result<Vec<Plane>> {
    for (at, plane) in typed.iter().enumerate() {
        if typed[..at].contains(plane) {
            return choice(format!("--planes names {plane} twice"));
        }
    }
    let mut planes = typed.to_vec();
    planes.push(Plane::Data);
    planes.sort_unstable();
    planes.dedup();
    Ok(planes)
}

/// The type of pixels that was typed; `None` for auto.
fn pixel_type(typed: &str) -> Result<Option<PixelType>> {
    match typed {
        "auto" => Ok(None),
        name => name.parse().map(Some),
    }
}

fn resources(typed: &args::Resources, machine: Machine) -> Resources {
    let mem_limit = match typed.mem_limit.unwrap_or(Limit::Share(0.5)) {
        Limit::Bytes(bytes) => bytes,
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a u64, 0 to 1"
        )]
        Limit::Share(share) => ByteSize((machine.memory.0 as f64 * share) as u64),
    };
    let threads = typed.threads.map_or(machine.cores, usize::from);
    Resources {
        mem_limit,
        threads,
        io: typed.io,
        temp_dir: typed.temp_dir.clone(),
    }
}

#[cfg(test)]
mod tests;
