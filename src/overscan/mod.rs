//! The level of each line of an overscan: what its samples come to, or a curve through what all lines come to.
//!
//! Pure numbers: whoever calls [`levels`] knows where the overscan lies and which of its samples are present. A line is a row
//! of the overscan or a column of it.
//!
//! ```text
//!              each line                          all lines
//! no fit       clip its samples; median or mean   as they are
//! fit          median or mean                     fit, clip the lines, fit again; the curve at every line
//! ```

mod curve;
mod line;

#[cfg(test)]
mod tests;

use crate::recipe::{Fit, Overscan, OverscanClip, OverscanStat};
use curve::{Basis, Curve};

/// A curve is clipped no further than to so few lines, as in IRAF: their scatter says nothing.
const FEWEST_CLIPPED: usize = 5;

/// Lines that lie closer to the curve than this share of the largest of them differ from it by rounding: nothing to clip.
const ROUNDING: f64 = 1e-12;

/// How the lines of an overscan become levels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// What the samples of a line come to.
    pub(crate) stat: OverscanStat,
    /// The curve through the lines; `None`: each line has its own level.
    pub(crate) fit: Option<Fit>,
    /// Which lines of a fit are left out, or without a fit which samples of a line; a side that is 0 (as in IRAF) or
    /// infinite is no limit.
    pub(crate) clip: Option<OverscanClip>,
}

impl From<&Overscan> for Wanted {
    fn from(overscan: &Overscan) -> Self {
        Self {
            stat: overscan.stat,
            fit: overscan.fit,
            clip: overscan.clip,
        }
    }
}

/// Bytes that finding the levels of `nline` lines of `nsample` samples takes, beside what lends it the samples.
pub(crate) fn nbyte(fit: Option<Fit>, nline: usize, nsample: usize) -> usize {
    let ncoefficient = match fit {
        None => 0,
        Some(Fit::Polynomial(degree) | Fit::Legendre(degree) | Fit::Chebyshev(degree)) => {
            degree + 1
        }
        Some(Fit::Spline(npiece)) => npiece + 3,
    };
    // The design and its triangle; the samples of a line; points, right side and levels.
    let numbers = ncoefficient
        .saturating_mul(nline.saturating_add(ncoefficient))
        .saturating_add(nsample + 5 * nline);
    numbers.saturating_mul(size_of::<f64>())
}

/// The levels of the `nline` lines of an overscan, in order.
///
/// `line(i, samples)` is called once for each line, from the first to the last, with `samples` empty, and puts there the samples
/// of line `i` that are present, all finite.
///
/// What it takes while it lasts is [`nbyte`].
///
/// # Errors
///
/// What is wrong, without the name of the frame: a line without samples where there is no fit, fewer lines with samples than the
/// fit has coefficients, lines that leave the curve open, a level that is not finite.
pub(crate) fn levels(
    wanted: &Wanted,
    nline: usize,
    mut line: impl FnMut(usize, &mut Vec<f64>),
) -> Result<Vec<f64>, String> {
    let clip = wanted.clip.filter(|_| wanted.fit.is_none());
    let mut samples = Vec::new();
    let mut points = Vec::with_capacity(nline);
    for place in 0..nline {
        samples.clear();
        line(place, &mut samples);
        match line::level(wanted.stat, clip, &mut samples) {
            Some(level) if level.is_finite() => points.push(Point { place, level }),
            Some(_) => return Err(not_finite(place, nline)),
            None if wanted.fit.is_some() => {}
            None => return Err(no_sample(place, nline)),
        }
    }
    let Some(fit) = wanted.fit else {
        return Ok(points.into_iter().map(|point| point.level).collect());
    };
    let mut curve = fitted(Basis::new(fit, nline)?, points, wanted.clip)?;
    let levels: Vec<f64> = (0..nline).map(|place| curve.at(place)).collect();
    match levels.iter().position(|level| !level.is_finite()) {
        Some(place) => Err(not_finite(place, nline)),
        None => Ok(levels),
    }
}

/// A line that has a level of its own, for a curve to go through.
#[derive(Clone, Copy, Debug)]
struct Point {
    /// Which line it is.
    place: usize,
    /// What its samples come to.
    level: f64,
}

/// The curve through the points; those that the clip leaves out are left out round by round, and do not come back.
fn fitted(
    basis: Basis,
    mut points: Vec<Point>,
    clip: Option<OverscanClip>,
) -> Result<Curve, String> {
    let needed = basis.ncoefficient();
    if points.len() < needed {
        return Err(format!(
            "{} of the overscan's lines have samples, and --overscan-fit has {needed} coefficients; try a lower order",
            points.len()
        ));
    }
    let mut curve = basis.through(&points).ok_or(OPEN)?;
    let Some(clip) = clip else { return Ok(curve) };
    for _ in 0..clip.rounds {
        let before = points.len();
        if !drop_beyond(&mut curve, &mut points, clip) {
            break;
        }
        if points.len() < needed {
            return Err(format!(
                "--overscan-clip leaves {} of {before} lines, and --overscan-fit has {needed} coefficients; \
                 try wider limits or a lower order",
                points.len()
            ));
        }
        curve = basis.through(&points).ok_or(OPEN)?;
    }
    Ok(curve)
}

/// Drops the points beyond the limits of the clip about the curve; whether there were any.
fn drop_beyond(curve: &mut Curve, points: &mut Vec<Point>, clip: OverscanClip) -> bool {
    let before = points.len();
    if before < FEWEST_CLIPPED {
        return false;
    }
    let (mut squares, mut largest) = (0.0, 0.0_f64);
    for point in &*points {
        squares += (point.level - curve.at(point.place)).powi(2);
        largest = largest.max(point.level.abs());
    }
    let scatter = (squares / before as f64).sqrt();
    if scatter <= ROUNDING * largest {
        return false;
    }
    points.retain(|point| line::is_within(clip, scatter, point.level - curve.at(point.place)));
    points.len() < before
}

/// Lines too far from each other for the curve.
const OPEN: &str = "the lines of the overscan that are used leave the curve of --overscan-fit open in between; try a lower order";

/// The message for a line that no sample gives a level.
fn no_sample(place: usize, nline: usize) -> String {
    format!(
        "line {} of the {nline} of the overscan has no sample that is present; --overscan-fit would take its level from the others",
        place + 1
    )
}

/// The message for a level that numbers do not reach.
fn not_finite(place: usize, nline: usize) -> String {
    format!(
        "the level of line {} of the {nline} of the overscan is beyond the largest number",
        place + 1
    )
}
