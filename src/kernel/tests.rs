//! Every kernel equals its textbook twin to the bit: on every width of this machine, in f32 and f64, with absent
//! samples, ties, −0, denormals and huge values, in every lane.

mod draw;
mod of_frames;
mod of_sorted;
mod of_spread;
mod sums;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;
use draw::{Drawn, KINDS, sizes};

/// The rows of a block, sorted by the kernel.
fn sorted_rows<T: Sample>(width: Width, drawn: &Drawn<T>) -> Vec<Row<T>> {
    let mut sorted = vec![Row([T::from(0_u8); LANES]); drawn.rows.len()];
    sort(width, &drawn.rows, &mut sorted);
    sorted
}

/// Demands the same bits. NaN equals NaN: its payload is nobody's business.
fn same(is: f64, twin: f64, what: &str, width: Width, place: (usize, usize)) {
    let equal = (is.to_bits() == twin.to_bits()) | (is.is_nan() & twin.is_nan());
    assert!(
        equal,
        "{what}: {is:e}, the textbook says {twin:e}; {width}, {place:?}"
    );
}

/// Runs a check on blocks of every size and kind of samples, in both types, on every width.
macro_rules! for_every_block {
    ($check:path) => {
        for nframe in sizes() {
            for kind in 0..KINDS {
                let (single, double) = (
                    Drawn::<f32>::new(nframe, kind),
                    Drawn::<f64>::new(nframe, kind),
                );
                for width in Width::available() {
                    $check(width, &single);
                    $check(width, &double);
                }
            }
        }
    };
}

#[test]
fn sorted_rows_and_what_is_kept_of_them_equal_the_textbook() {
    for_every_block!(of_sorted::check);
}

#[test]
fn sums_of_what_is_kept_equal_the_textbook() {
    for_every_block!(sums::check);
}

#[test]
fn passes_in_frame_order_equal_the_textbook() {
    for_every_block!(of_frames::check);
}

#[test]
fn clips_by_standard_deviation_decide_as_the_textbook() {
    for_every_block!(of_spread::check);
}

#[test]
fn a_bound_rounds_to_the_sample_type_on_its_own_side() {
    for bound in [0.1, -0.1, 1.0, 1e-50, -1e-50, 16_777_217.0, f64::NAN] {
        let (low, high) = (f32::at_least(bound), f32::at_most(bound));
        for sample in [
            low,
            high,
            low.next_down(),
            low.next_up(),
            high.next_down(),
            high.next_up(),
        ] {
            let sample = if sample.is_finite() { sample } else { 0.0 };
            assert_eq!(
                f64::from(sample) < bound,
                sample < low,
                "{sample} below {bound}"
            );
            assert_eq!(
                f64::from(sample) > bound,
                sample > high,
                "{sample} above {bound}"
            );
        }
    }
}

#[test]
#[expect(clippy::float_cmp, reason = "bounds are exact")]
fn a_bound_beyond_all_samples_keeps_all_or_none() {
    assert_eq!(f32::at_most(1e300), f32::MAX);
    assert_eq!(f32::at_most(-1e300), f32::NEG_INFINITY);
    assert_eq!(f32::at_least(1e300), <f32 as Sample>::ABSENT);
    assert_eq!(f32::at_least(-1e300), f32::MIN);
    assert_eq!(f64::at_most(f64::INFINITY), f64::MAX);
    assert_eq!(f64::at_least(f64::NEG_INFINITY), f64::MIN);
}

#[test]
fn the_widest_is_the_last_of_those_available() {
    let available = Width::available();
    let last = available.last().map(ToString::to_string);
    assert_eq!(last, Some(Width::widest().to_string()));
}

/// Any finite sample, or none.
fn any_sample<T: Sample>(number: impl Strategy<Value = T>) -> impl Strategy<Value = T> {
    let few = prop::sample::select(vec![-1.0, -0.0, 0.0, 1.0, 2.0]).prop_map(T::from_f64);
    prop_oneof![3 => number, 3 => few, 1 => Just(T::ABSENT)]
}

/// Blocks of any samples.
fn any_block<T: Sample>(number: impl Strategy<Value = T>) -> impl Strategy<Value = Drawn<T>> {
    let row = prop::collection::vec(any_sample(number), LANES);
    (prop::collection::vec(row, 1..90), any::<u64>())
        .prop_map(|(rows, seed)| Drawn::of_rows(&rows, seed))
}

fn finite_single() -> impl Strategy<Value = f32> {
    use prop::num::f32::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    NEGATIVE | POSITIVE | NORMAL | SUBNORMAL | ZERO
}

fn finite_double() -> impl Strategy<Value = f64> {
    use prop::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    NEGATIVE | POSITIVE | NORMAL | SUBNORMAL | ZERO
}

/// The same blocks on every run, and no files left behind.
fn reproducible() -> ProptestConfig {
    ProptestConfig {
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(reproducible())]

    #[test]
    fn any_block_of_f32_equals_the_textbook(drawn in any_block(finite_single())) {
        for width in Width::available() {
            of_sorted::check(width, &drawn);
            sums::check(width, &drawn);
            of_spread::check(width, &drawn);
            of_frames::check(width, &drawn);
        }
    }

    #[test]
    fn any_block_of_f64_equals_the_textbook(drawn in any_block(finite_double())) {
        for width in Width::available() {
            of_sorted::check(width, &drawn);
            sums::check(width, &drawn);
            of_spread::check(width, &drawn);
            of_frames::check(width, &drawn);
        }
    }
}
