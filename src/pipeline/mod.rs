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
mod journal;
mod outcome;
mod pack;
mod reduce;
mod rejected;
mod strip;
mod survey;
mod unpacking;

use std::path::Path;
use std::time::Instant;

use crate::checksum::digest;
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::recipe::{Frames, Hdu, Recipe};
use crate::sink::{self, Earlier};
use crate::source;
use crate::summary::Summary;
use crate::sys;
use crate::watch::Watch;

pub use bench::BenchTile;
use choices::Opened;
use image::Image;
use journal::Begun;
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
    let hdus = hdus(&recipe.frames, &ground)?;
    for hdu in &hdus {
        let Opened { list, masters } = choices::open(recipe, hdu, &ground, watch)?;
        let reader = ground.reader(&list, &masters)?;
        let of = (hdu, hdus.len());
        let image = Image::new(recipe, of, (&list, &masters), &reader, &ground)?;
        image.masks()?;
        let plan = image.plan;
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
/// The output stands under its name only when it is whole; after an error there is none. What a run has done by then is kept beside it, and
/// taken up by the next run that is to [resume](crate::recipe::Output::resume).
///
/// # Errors
///
/// Every [`Error`] names the frame, file or choice at fault and says what would help.
pub fn combine(recipe: &Recipe, watch: &Watch) -> Result<Summary> {
    let begun = Instant::now();
    let output = &recipe.output;
    journal::finished(output, &recipe.deciding())?;
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
    let mut run: Option<Begun> = None;
    let mut outcome = Outcome::new(recipe);
    match images(recipe, &ground, &pool, watch, (&mut run, &mut outcome)) {
        Ok(()) => {
            let run = run.ok_or_else(no_image)?;
            let threads = outcome.packers();
            outcome.packed = run.finish(output.compression, threads, watch)?;
        }
        Err(error) => {
            return Err(match run {
                Some(run) => run.cut_short(error),
                None => journal::still_there(output, error),
            });
        }
    }
    Ok(outcome.summary(begun.elapsed()))
}

/// Makes image after image; `run` begins with the first.
fn images(
    recipe: &Recipe,
    ground: &Ground<'_>,
    pool: &rayon::ThreadPool,
    watch: &Watch,
    (run, outcome): (&mut Option<Begun>, &mut Outcome<'_>),
) -> Result<()> {
    let output = &recipe.output;
    let hdus = hdus(&recipe.frames, ground)?;
    let files = files(recipe)?;
    for (number, hdu) in hdus.iter().enumerate() {
        let Opened { list, masters } = choices::open(recipe, hdu, ground, watch)?;
        if number > 0 && self::files(recipe)? != files {
            return Err(Error::frame(
                "the frames",
                "are no longer those that the run began with; is another program adding or removing files?",
            ));
        }
        let reader = ground.reader(&list, &masters)?;
        let of = (hdu, hdus.len());
        let image = Image::new(recipe, of, (&list, &masters), &reader, ground)?;
        let masks = image.masks()?;
        let Begun {
            sink,
            journal,
            made,
            fresh,
            ..
        } = match &mut *run {
            Some(run) => run,
            none => {
                output_is_no_input(&output.path, &image)?;
                let [plain, beside] = image.nbyte().map(|n| n.saturating_mul(hdus.len() as u64));
                let short = pack::room(output, plain, beside);
                let begun = journal::begin(output, recipe.deciding(), hdus.len(), watch)?;
                // What is taken up has its place already.
                if begun.fresh {
                    outcome.warn(short?);
                }
                outcome.warn(begun.warning.clone());
                none.insert(begun)
            }
        };
        if *fresh {
            rejected::vacant(&masks, output.overwrite)?;
        }
        let entry = journal.enter(number, image.entry())?;
        if number == 0 && recipe.frames.hdu == Hdu::All {
            match entry.written(0) {
                None => sink.add(&image.shared_header())?,
                Some(_) => sink.add_again(&image.shared_header(), Earlier::default())?,
            };
        }
        let walked = journal.during(
            || reader.unchanged(),
            || image.combine(pool, (sink, made, &masks), watch, entry),
        )?;
        outcome.add(&list, &reader, walked);
        // The next is planned as if this one had not been.
        sys::release_freed();
    }
    watch.check()
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

/// What tells the files of a run from others: `--hdu all` looks for them again with each image.
fn files(recipe: &Recipe) -> Result<u64> {
    let named = source::expand(&recipe.frames.names)?;
    let paths = named.iter().map(|named| named.path.as_os_str());
    let pieces = paths.flat_map(|path| [path.as_encoded_bytes(), b"\0"]);
    Ok(digest(pieces))
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
