//! Each rule on samples whose outcome can be told by hand, or was told by others.

use super::super::{Critical, Detector};
use super::{Page, PixelValue, Rules, Samples};
use crate::recipe::{Clip, Method, Uncertainty};

/// What the steps leave of these samples, in their order, and what came of the pixel.
fn left(steps: &[&str], nkeep: i64, samples: &[f64]) -> (Vec<f64>, PixelValue) {
    let clip: Vec<Clip> = steps
        .iter()
        .map(|step| step.parse().expect("a step"))
        .collect();
    let detector = Detector {
        gain: 2.0,
        readnoise: 4.0,
        sensitivity: 0.0,
    };
    // The last frame is noisier.
    let mut detectors = vec![detector; samples.len()];
    if let Some(last) = detectors.last_mut() {
        last.readnoise = 40.0;
    }
    let critical: Vec<Critical> = clip
        .iter()
        .map(|clip| match clip.noise() {
            Some(_) => Critical::of_noise(detectors.clone()),
            None => Critical::new(clip, samples.len()),
        })
        .collect();
    let rules = Rules {
        clip: &clip,
        critical: &critical,
        light: f64::NAN,
        nkeep,
        method: Method::Average,
        uncertainty: Uncertainty::Scatter,
        ascending: true,
    };
    let mut page = Page::new(samples.len());
    let value = page.pixel(
        &rules,
        &Samples {
            x: samples,
            y: samples,
            weight: None,
            deviation: None,
        },
    );
    let left = samples
        .iter()
        .zip(&page.kept)
        .filter(|(_, kept)| **kept)
        .map(|(sample, _)| *sample);
    (left.collect(), value)
}

/// The samples that a step takes, in their order.
fn taken(step: &str, samples: &[f64]) -> Vec<f64> {
    let (left, _) = left(&[step], 0, samples);
    let mut left = left.into_iter().peekable();
    samples
        .iter()
        .filter(|sample| left.next_if_eq(*sample).is_none())
        .copied()
        .collect()
}

#[test]
fn percentile_measures_in_parts_of_the_median_whatever_its_sign() {
    let samples = [100.0, 101.0, 99.0, 130.0, 60.0];
    assert_eq!(taken("percentile:0.2", &samples), [130.0, 60.0]);
    assert_eq!(taken("percentile:,0.3", &samples), [] as [f64; 0]);
    assert_eq!(taken("percentile:,0.29", &samples), [130.0]);
    let below = samples.map(|sample| -sample);
    assert_eq!(taken("percentile:0.2", &below), [-130.0, -60.0]);
    let around = samples.map(|sample| sample - 100.0);
    assert_eq!(taken("percentile:0.2", &around), [] as [f64; 0]);
    assert_eq!(taken("percentile:0.2", &[1.0, 100.0]), [] as [f64; 0]);
}

#[test]
fn pclip_takes_the_distance_of_one_sample_for_the_deviation() {
    let mut samples: Vec<f64> = (1..=10).map(f64::from).collect();
    samples.push(1000.0);
    // 11 samples, 5 on a side; half of that, rounded down, is 2: the sample 4, two below the median of 6.
    assert_eq!(taken("pclip:-0.5,3,3", &samples), [1000.0]);
    assert_eq!(taken("pclip:-0.5,2,3", &samples), [1.0, 1000.0]);
    assert_eq!(
        taken("pclip:-1,2,3", &samples),
        [1.0, 2.0, 3.0, 10.0, 1000.0]
    );
    // The fifth above is the outlier itself.
    assert_eq!(taken("pclip:5,3,3", &samples), [] as [f64; 0]);
    // Of an even number, from the middle two outwards.
    let even = [0.0, 10.0, 20.0, 30.0, 45.0, 46.0];
    assert_eq!(taken("pclip:1,1,1", &even), [0.0, 46.0]);
}

#[test]
fn winsorized_leaves_quantised_frames_alone_and_finds_what_does_not_belong() {
    let bias = [
        100.0, 101.0, 100.0, 100.0, 100.0, 101.0, 100.0, 99.0, 100.0, 100.0,
    ];
    assert_eq!(taken("winsorized:3", &bias), [] as [f64; 0]);
    let mut hit = bias.to_vec();
    hit.push(150.0);
    assert_eq!(taken("winsorized:3", &hit), [150.0]);
    // No collapse: what is within reach is drawn in no further.
    let three = [-1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0];
    assert_eq!(taken("winsorized:1.5", &three), [] as [f64; 0]);
    assert_eq!(taken("winsorized:1.4", &three), [-1.0, 1.0, 1.0]);
}

#[test]
fn median_sigma_goes_on_with_the_median_in_place_of_what_is_gone() {
    let samples = [9.0, 10.0, 11.0, 10.0, 9.0, 11.0, 10.0, 30.0, 200.0];
    // Of all, s is 62.9: 200 is 3.02 of them away. Then 6.8: 30 is 2.9 to 3 of them away.
    assert_eq!(taken("median-sigma:3", &samples), [200.0]);
    assert_eq!(taken("median-sigma:2.9", &samples), [30.0, 200.0]);
}

#[test]
fn linear_fit_takes_what_is_far_from_a_line_and_not_what_drifts() {
    let mut samples: Vec<f64> = (0..20).map(|n| 100.0 + 3.0 * f64::from(n)).collect();
    assert_eq!(taken("linear-fit:3", &samples), [] as [f64; 0]);
    samples[4] = 900.0;
    assert_eq!(taken("linear-fit:5", &samples), [900.0]);
    samples[7] = -900.0;
    assert_eq!(taken("linear-fit:3", &samples), [900.0, -900.0]);
    assert_eq!(
        taken("linear-fit:1", &[1.0, 2.0, 3.0, 90.0]),
        [] as [f64; 0]
    );
}

/// The samples of Rosner's paper, as the handbook of NIST prints them.
const ROSNER: [f64; 54] = [
    -0.25, 0.68, 0.94, 1.15, 1.20, 1.26, 1.26, 1.34, 1.38, 1.43, 1.49, 1.49, 1.55, 1.56, 1.58,
    1.65, 1.69, 1.70, 1.76, 1.77, 1.81, 1.91, 1.94, 1.96, 1.99, 2.06, 2.09, 2.10, 2.14, 2.15, 2.23,
    2.24, 2.26, 2.35, 2.37, 2.40, 2.47, 2.54, 2.62, 2.64, 2.90, 2.92, 2.92, 2.93, 3.21, 3.26, 3.30,
    3.59, 3.68, 4.30, 4.64, 5.34, 5.42, 6.01,
];

#[test]
fn esd_finds_the_three_outliers_of_rosners_paper() {
    assert_eq!(taken("esd:0.19,0.05", &ROSNER), [5.34, 5.42, 6.01]);
    // The first two hide each other: alone neither deviates.
    assert_eq!(taken("esd:0.04,0.05", &ROSNER), [] as [f64; 0]);
    let (left, value) = left(&["esd:0.19,0.05"], 52, &ROSNER);
    assert_eq!((left.len(), value.high), (54, 0));
}

#[test]
fn rcr_takes_a_cosmic_ray_from_equal_samples_and_a_third_of_a_stack() {
    let mut samples = vec![100.0; 9];
    samples.push(5000.0);
    assert_eq!(taken("rcr", &samples), [5000.0]);
    let mut many: Vec<f64> = (0..12).map(|n| 100.0 + f64::from(n % 5)).collect();
    many.extend((0..7).map(|n| 1000.0 + 300.0 * f64::from(n)));
    assert_eq!(taken("rcr", &many), many[12..]);
    assert_eq!(left(&["rcr"], 15, &many).0.len(), 15);
}

#[test]
fn ccd_judges_each_sample_by_the_noise_of_its_frame() {
    // At 200: σ² = (4/2)² + 200/2, σ = 10.2; of the last frame (40/2)² + 100, σ = 22.4.
    let samples = [200.0, 203.0, 197.0, 200.0, 231.0, 171.0, 240.0];
    assert_eq!(taken("ccd:3,3,gain=2,rdnoise=4", &samples), [231.0]);
    assert_eq!(
        taken("ccd:3,,gain=2,rdnoise=4", &samples[..6]),
        [] as [f64; 0]
    );
    assert_eq!(
        taken("ccd:1,1,gain=2,rdnoise=4", &samples),
        [231.0, 171.0, 240.0]
    );
    assert_eq!(taken("cr:1,gain=2,rdnoise=4", &samples), [231.0, 240.0]);
    // From two on; the median lies between them. Without light and read noise nothing goes.
    assert_eq!(taken("cr:3,gain=2,rdnoise=4", &[500.0, 100.0]), [500.0]);
    assert_eq!(taken("cr:3,gain=2,rdnoise=4", &[500.0]), [] as [f64; 0]);
    // On the bound it stays: without light σ is 2.
    let dark = [-10.0, -10.0, -10.0, -4.0, -10.0];
    assert_eq!(taken("ccd:3,3,gain=2,rdnoise=4", &dark), [] as [f64; 0]);
    assert_eq!(taken("ccd:3,2.99,gain=2,rdnoise=4", &dark), [-4.0]);
}

#[test]
fn a_negative_nkeep_is_the_most_that_may_go() {
    let samples = [10.0, 10.5, 9.5, 10.25, 9.75, 60.0, 70.0, 65.0];
    assert_eq!(taken("winsorized:2", &samples), [60.0, 70.0, 65.0]);
    let (left, value) = left(&["winsorized:2"], -2, &samples);
    assert_eq!((left.len(), value.high), (6, 2));
    assert!(left.contains(&60.0));
    // Absent samples and what bounds at the head take are no rejection.
    let mut fewer = samples.to_vec();
    fewer.extend([f64::INFINITY, -500.0]);
    let (left, value) = self::left(&["minmax:0,", "winsorized:2"], -2, &fewer);
    assert_eq!((left.len(), value.low, value.high), (6, 1, 2));
    // All steps together.
    let (left, _) = self::left(&["extrema:1,0", "winsorized:2"], -2, &samples);
    assert_eq!(left.len(), 6);
    assert_eq!(self::left(&["winsorized:2"], -100, &samples).0.len(), 5);
}

#[test]
fn a_step_goes_on_where_the_one_before_stopped_and_counts_by_side() {
    let samples = [
        10.0,
        11.0,
        9.0,
        10.0,
        12.0,
        8.0,
        500.0,
        -400.0,
        f64::INFINITY,
    ];
    let (left, value) = left(&["extrema:1,0", "winsorized:3"], 0, &samples);
    assert_eq!(left, samples[..6]);
    assert_eq!((value.count, value.low, value.high), (6, 1, 1));
}

#[test]
fn nkeep_gives_back_what_is_nearest() {
    let samples = [10.0, 10.5, 9.5, 10.25, 9.75, 60.0, 70.0];
    assert_eq!(taken("winsorized:2", &samples), [60.0, 70.0]);
    assert_eq!(left(&["winsorized:2"], 6, &samples).0.len(), 6);
    assert!(left(&["winsorized:2"], 6, &samples).0.contains(&60.0));
    let mut ramp: Vec<f64> = (0..20).map(f64::from).collect();
    ramp[3] = 500.0;
    ramp[8] = 400.0;
    let kept = left(&["linear-fit:2"], 19, &ramp).0;
    assert_eq!(kept.len(), 19);
    assert!(!kept.contains(&500.0));
}
