//! A run from end to end: open the frames, measure their levels, plan, walk, close the output.
//!
//! Only this room knows threads and channels. Each image of the output is made by one [`Image`]: the whole run has
//! one, or one an extension for `--hdu all`.

mod bench;
mod by_frame;
mod calibrating;
mod ceiling;
mod choices;
mod corridor;
mod image;
mod outcome;
mod reduce;
mod strip;
mod survey;
mod unpacking;

use std::path::Path;
use std::time::Instant;

use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::recipe::{Frames, Hdu, Recipe};
use crate::sink::{self, FitsSink};
use crate::source;
use crate::summary::Summary;
use crate::sys;
use crate::watch::Watch;

pub use bench::BenchTile;
use choices::Opened;
use image::Image;
use outcome::Outcome;
pub use reduce::{calibrate, plan_calibration};
use unpacking::{Depth, Ground};

/// Plans a run: opens the frames, and says what memory and which tiles it would take. Nothing is written.
///
/// For [`Hdu::All`] it is the plan of the extension that takes most.
///
/// # Errors
///
/// Those of [`combine`], as far as they can be told without a pixel.
pub fn plan(recipe: &Recipe, watch: &Watch) -> Result<Plan> {
    let ground = ground(recipe, Depth::Headers, watch)?;
    let mut largest: Option<Plan> = None;
    for hdu in hdus(&recipe.frames, &ground)? {
        let Opened { list, masters } = choices::open(recipe, &hdu, &ground, watch)?;
        let reader = ground.reader(&list, &masters)?;
        let plan = Image::new(recipe, &hdu, (&list, &masters), &reader, &ground)?.plan;
        if largest
            .as_ref()
            .is_none_or(|largest| plan.resident.0 > largest.resident.0)
        {
            largest = Some(plan);
        }
    }
    largest.ok_or_else(no_image)
}

/// Combines frames as the recipe says, within its memory limit, and says what was done.
///
/// The output stands under its name only when it is whole; after an error there is none.
///
/// # Errors
///
/// Every [`Error`] names the frame, file or choice at fault and says what would help.
pub fn combine(recipe: &Recipe, watch: &Watch) -> Result<Summary> {
    let begun = Instant::now();
    let ground = ground(recipe, Depth::All, watch)?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(recipe.resources.threads)
        .thread_name(|index| format!("work-{index}"))
        .build()
        .map_err(|error| {
            Error::System(format!(
                "cannot start {} threads: {error}",
                recipe.resources.threads
            ))
        })?;
    let mut sink: Option<FitsSink> = None;
    let mut outcome = Outcome::new(recipe);
    for hdu in hdus(&recipe.frames, &ground)? {
        let Opened { list, masters } = choices::open(recipe, &hdu, &ground, watch)?;
        let reader = ground.reader(&list, &masters)?;
        let image = Image::new(recipe, &hdu, (&list, &masters), &reader, &ground)?;
        if sink.is_none() {
            output_is_no_input(&recipe.output.path, &image)?;
        }
        let sink = match &mut sink {
            Some(sink) => sink,
            none => {
                let mut created = FitsSink::create(&recipe.output.path, recipe.output.overwrite)?;
                if recipe.frames.hdu == Hdu::All {
                    created.add(&image.shared_header())?;
                }
                none.insert(created)
            }
        };
        image.combine(&pool, sink, watch, &mut outcome)?;
        // The next is planned as if this one had not been.
        sys::release_freed();
    }
    watch.check()?;
    sink.ok_or_else(no_image)?.finish()?;
    Ok(outcome.summary(begun.elapsed()))
}

/// Checks what can be checked before a frame is opened, and unpacks files.
fn ground<'w>(recipe: &Recipe, depth: Depth, watch: &'w Watch) -> Result<Ground<'w>> {
    recipe.check()?;
    ceiling::start(recipe.resources.threads)?;
    sink::vacant(&recipe.output.path, recipe.output.overwrite)?;
    let beside = unpacking::beside(&recipe.output.path);
    Ground::new(&recipe.frames, &recipe.resources, &beside, depth, watch)
}

/// The HDUs that a run works on, one after another.
fn hdus(frames: &Frames, ground: &Ground<'_>) -> Result<Vec<Hdu>> {
    if frames.hdu == Hdu::All {
        source::image_hdus(frames, &ground.unpacked)
    } else {
        Ok(vec![frames.hdu.clone()])
    }
}

fn no_image() -> Error {
    Error::NoFrames("the first file has no image".into())
}

/// Refuses an output that is one of the inputs, under whatever name.
fn output_is_no_input(output: &Path, image: &Image<'_>) -> Result<()> {
    let Ok(canonical) = output.canonicalize() else {
        return Ok(());
    };
    let same = |path: &Path| path.canonicalize().is_ok_and(|path| path == canonical);
    match image.paths().find(|path| same(path)) {
        None => Ok(()),
        Some(_) => Err(Error::Output {
            path: output.into(),
            fault: "is the output and one of the inputs; choose another --output".into(),
        }),
    }
}
