//! What the samples of one line come to.

use crate::recipe::{OverscanClip, OverscanStat};

/// The level of a line; `None` where it has no sample. The samples are reordered, and those that are clipped are dropped.
///
/// Each round of the clip drops the samples that lie beyond so many standard deviations (about the mean, of all n samples, as in
/// astropy's `sigma_clip`) below and above the level; one that would leave none is not done.
pub(super) fn level(
    stat: OverscanStat,
    clip: Option<OverscanClip>,
    samples: &mut Vec<f64>,
) -> Option<f64> {
    let mut level = centre(stat, samples)?;
    let Some(clip) = clip else { return Some(level) };
    for _ in 0..clip.rounds {
        let scatter = deviation(samples);
        let stays = |sample: &f64| is_within(clip, scatter, sample - level);
        let nkept = samples.iter().filter(|sample| stays(sample)).count();
        if nkept == 0 || nkept == samples.len() {
            break;
        }
        samples.retain(stays);
        level = centre(stat, samples)?;
    }
    Some(level)
}

/// Whether what differs so much from the centre is kept; a limit that is not above 0 is none.
pub(super) fn is_within(clip: OverscanClip, scatter: f64, difference: f64) -> bool {
    let is_low = clip.low > 0.0 && difference < -clip.low * scatter;
    let is_high = clip.high > 0.0 && difference > clip.high * scatter;
    !is_low && !is_high
}

/// The median, the mean of the middle two where the number of samples is even; or the mean.
fn centre(stat: OverscanStat, samples: &mut [f64]) -> Option<f64> {
    if samples.is_empty() {
        return None;
    }
    Some(match stat {
        OverscanStat::Median => median(samples),
        OverscanStat::Mean => mean(samples),
    })
}

/// The median: found without a sort, which takes several times as long.
fn median(samples: &mut [f64]) -> f64 {
    let n = samples.len();
    let (below, &mut upper, _) = samples.select_nth_unstable_by(n / 2, f64::total_cmp);
    if n % 2 == 1 {
        return upper;
    }
    let lower = below.iter().copied().max_by(f64::total_cmp);
    f64::midpoint(lower.unwrap_or(upper), upper)
}

/// The mean, summed in order.
fn mean(samples: &[f64]) -> f64 {
    samples.iter().sum::<f64>() / samples.len() as f64
}

/// The standard deviation of all samples about their mean.
fn deviation(samples: &[f64]) -> f64 {
    let mean = mean(samples);
    let squares: f64 = samples.iter().map(|sample| (sample - mean).powi(2)).sum();
    (squares / samples.len() as f64).sqrt()
}
