//! What the choices of a recipe come to for the frames that were opened.

mod steps;

use std::sync::Arc;

use super::unpacking::Ground;
use super::{calibrating, ceiling, survey};
use crate::error::{Error, Result};
use crate::kernel::Width;
use crate::level::FrameLevel;
use crate::pixels::SampleType;
use crate::recipe::{Clip, Hdu, Level, PixelType, Plane, Quantity, Recipe, Uncertainty, Weight};
use crate::sink::PlaneTypes;
use crate::source::{self, Frame, FrameList, Masters, Selection};
use crate::stack::{Around, StackRoom};
use crate::watch::Watch;

pub(super) use steps::remarks;

/// The keywords whose numbers are wanted of every frame: those of scale, zero and weight, then those of clip steps.
pub(super) fn keywords(recipe: &Recipe) -> Vec<String> {
    let stack = &recipe.stack;
    let level = |level: &Level| match level {
        Level::Keyword(keyword) => Some(keyword.clone()),
        _ => None,
    };
    let weight = match &stack.weight {
        Weight::Keyword(keyword) => Some(keyword.clone()),
        _ => None,
    };
    let parts = stack.clip.iter().filter_map(Clip::noise);
    let parts = parts.flat_map(|noise| noise.parts().map(|(_, quantity)| quantity.cloned()));
    let noise = parts.filter_map(|quantity| match quantity {
        Some(Quantity::Keyword(keyword)) => Some(keyword),
        _ => None,
    });
    [level(&stack.scale), level(&stack.zero), weight]
        .into_iter()
        .flatten()
        .chain(noise)
        .collect()
}

/// The frames of one image, and the masters that go with them.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) list: FrameList,
    pub(super) masters: Masters,
}

/// Opens the frames of one image, and their masters.
pub(super) fn open(
    recipe: &Recipe,
    hdu: &Hdu,
    ground: &Ground<'_>,
    watch: &Watch,
) -> Result<Opened> {
    let selection = Selection {
        frames: &recipe.frames,
        hdu,
        keywords: &keywords(recipe),
        calibration: &recipe.calibration,
        unpacked: &ground.unpacked,
        mem_limit: ceiling::least(recipe.resources.mem_limit),
    };
    let list = source::open(&selection, watch)?;
    let masters = source::masters(&selection, &list, recipe.frames.hdu == Hdu::All)?;
    Ok(Opened { list, masters })
}

/// The types of the output's pixels.
pub(super) fn plane_types(recipe: &Recipe, sample: SampleType) -> PlaneTypes {
    let natural = if sample == SampleType::F64 {
        PixelType::F64
    } else {
        PixelType::F32
    };
    let data = recipe.output.dtype.unwrap_or(natural);
    let uncertainty = if data == PixelType::F64 {
        PixelType::F64
    } else {
        PixelType::F32
    };
    PlaneTypes { data, uncertainty }
}

/// What is done at a pixel, with the weights of the frames; where they are scaled, every level is 1 until they are measured.
pub(super) fn stack_room(
    recipe: &Recipe,
    list: &FrameList,
    masters: &Masters,
    sample: SampleType,
) -> Result<StackRoom> {
    let stack = &recipe.stack;
    let nframe = list.frames.len();
    let clip = steps::settled(recipe, nframe);
    steps::enough(&clip, nframe)?;
    let critical = steps::critical(recipe, &clip, list)?;
    let types = plane_types(recipe, sample);
    let mut planes: Vec<Plane> = recipe.output.planes.clone();
    planes.sort_unstable();
    planes.dedup();
    planes.retain(|plane| *plane != Plane::Uncertainty || stack.uncertainty != Uncertainty::None);
    let weighs = stack.method.weighs();
    let inverse_variance = weighs && stack.weight == Weight::InverseVariance;
    let needs_deviation = inverse_variance || stack.uncertainty == Uncertainty::Propagate;
    let brought = recipe.calibration.deviation.is_some() || calibrating::deviates(masters);
    if needs_deviation
        && !brought
        && let Some(frame) = list.frames.iter().find(|frame| frame.uncertainty.is_none())
    {
        return Err(Error::frame(
            frame.name(),
            "has no uncertainty plane, which --weight ivar and --uncertainty propagate need; \
             name its HDU with --uncertainty-hdu, or choose other weights or uncertainties",
        ));
    }
    let keyword = [&stack.scale, &stack.zero]
        .iter()
        .filter(|level| matches!(level, Level::Keyword(_)))
        .count();
    let weights = match &stack.weight {
        Weight::Keyword(key) => Some(keyed(&list.frames, "--weight", key, keyword)?),
        Weight::Values(values) => Some(listed("--weight", values, list)?),
        Weight::Exposure => Some(exposures(&list.frames)?),
        // Known when the frames are measured.
        Weight::Noise if weighs => Some(vec![1.0; nframe]),
        Weight::Noise | Weight::None | Weight::InverseVariance => None,
    };
    if let Some((frame, weight)) = list
        .frames
        .iter()
        .zip(weights.iter().flatten())
        .find(|(_, weight)| !(weight.is_finite() && **weight >= 0.0))
    {
        return Err(Error::frame(
            frame.name(),
            format!(
                "its weight by --weight {} is {weight}; weights are finite and not negative",
                stack.weight
            ),
        ));
    }
    let scaled = stack.scale != Level::None || stack.zero != Level::None;
    let exact =
        |frame: &Frame| survey::is_coded(&frame.image.stored) && frame.image.stored.blank.is_none();
    let masked = list.bad_pixels.is_some() || list.frames.iter().any(|frame| frame.mask.is_some());
    let bounded = matches!(stack.clip.first(), Some(Clip::Minmax { .. }));
    let pixel = |plane: Plane| match plane {
        Plane::Data => types.data,
        Plane::Uncertainty => types.uncertainty,
        Plane::Mask => PixelType::U8,
        _ => PixelType::I32,
    };
    let mut room = StackRoom {
        width: Width::widest(),
        nframe,
        method: stack.method,
        clip,
        critical: critical.into(),
        nkeep: stack.nkeep,
        around: Around::new(stack.neighbours, recipe.output.rejected.is_some()),
        uncertainty: if planes.contains(&Plane::Uncertainty) {
            stack.uncertainty
        } else {
            Uncertainty::None
        },
        levels: Arc::new([]),
        weights: weights.map(Into::into),
        inverse_variance,
        needs_deviation,
        may_be_absent: scaled
            || masked
            || needs_deviation
            || bounded
            || list.frames.iter().any(|frame| frame.raw.is_some())
            || !list.frames.iter().all(exact),
        below: recipe.calibration.below,
        above: recipe.calibration.above,
        planes: planes
            .into_iter()
            .map(|plane| (plane, pixel(plane)))
            .collect(),
    };
    if scaled {
        room.scale_by(vec![FrameLevel::UNITY; nframe].into());
    }
    Ok(room)
}

/// The numbers of a keyword.
pub(super) fn keyed(frames: &[Frame], flag: &str, keyword: &str, index: usize) -> Result<Vec<f64>> {
    let number = |frame: &Frame| {
        frame.numbers.get(index).copied().flatten().ok_or_else(|| {
            Error::frame(
                frame.name(),
                format!("{keyword}, which {flag} asks for, is not there or is no number"),
            )
        })
    };
    frames.iter().map(number).collect()
}

/// The exposure of each frame.
fn exposures(frames: &[Frame]) -> Result<Vec<f64>> {
    let exposure = |frame: &Frame| {
        let fault = match frame.exptime {
            Some(seconds) if seconds > 0.0 && seconds.is_finite() => return Ok(seconds),
            Some(seconds) => format!("its EXPTIME is {seconds}, not a positive number"),
            None => "EXPTIME is not there or is no number".into(),
        };
        let fault = format!("{fault}, and --weight exposure asks for it; choose another --weight");
        Err(Error::frame(frame.name(), fault))
    };
    frames.iter().map(exposure).collect()
}

/// Numbers that were given one by one.
pub(super) fn listed(flag: &str, values: &[f64], list: &FrameList) -> Result<Vec<f64>> {
    let nframe = list.frames.len();
    if values.len() == nframe {
        return Ok(values.to_vec());
    }
    let skipped = match list.skipped.len() {
        0 => String::new(),
        n => format!(", none to those that --skip-bad leaves out ({n} here)"),
    };
    let fault = format!(
        "{} numbers for {nframe} frames; give one a frame{skipped}",
        values.len()
    );
    Err(Error::frame(flag, fault))
}
