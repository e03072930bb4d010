//! The text of the rejection rules that Siril, IRAF and PixInsight know by name.

use std::fmt::{self, Formatter};

use super::{bound, detector, finite, show, side};
use crate::recipe::{Clip, Factors};

const PERCENTILE: &str = "percentile:LOW,HIGH, parts of the median above 0; percentile:0.2 means 0.2,0.2, an empty side is no bound";
const PCLIP: &str = "pclip:K,LOW,HIGH; K is a whole number of samples from the median or, between -1 and 1, a part of one side, not 0; \
                     LOW and HIGH are positive";
const WINSORIZED: &str =
    "winsorized:LOW,HIGH, above 0; winsorized:3 means 3,3, an empty side is no bound";
const MEDIAN_SIGMA: &str =
    "median-sigma:LOW,HIGH, above 0; median-sigma:3 means 3,3, an empty side is no bound";
const LINEAR_FIT: &str =
    "linear-fit:LOW,HIGH, above 0; linear-fit:5 means 5,5, an empty side is no bound";
const POISSON: &str = "poisson:LOW,HIGH, above 0; poisson:3 means 3,3, an empty side is no bound";
const ESD: &str = "esd:FRACTION,ALPHA, FRACTION above 0 and at most 0.5, ALPHA between 0 and 1; esd means 0.3,0.05";
const RCR: &str = "rcr[:LIMIT], LIMIT above 0 and at most 1; rcr means 0.5";

/// Reads the arguments of a step, with its grammar; `None` where there is no such step.
pub(super) fn read(step: &str, arguments: &str) -> Option<(Option<Clip>, &'static str)> {
    Some(match step {
        "percentile" => (factors(arguments).map(Clip::Percentile), PERCENTILE),
        "pclip" => (pclip(arguments), PCLIP),
        "winsorized" => (factors(arguments).map(Clip::Winsorized), WINSORIZED),
        "median-sigma" => (factors(arguments).map(Clip::MedianSigma), MEDIAN_SIGMA),
        "linear-fit" => (factors(arguments).map(Clip::LinearFit), LINEAR_FIT),
        "poisson" => (factors(arguments).map(Clip::Poisson), POISSON),
        "esd" => (esd(arguments), ESD),
        "rcr" => (rcr(arguments), RCR),
        "ccd" => (detector::ccd(arguments), detector::CCD),
        "cr" => (detector::cr(arguments), detector::CR),
        _ => return None,
    })
}

/// `LOW,HIGH`; one number stands for both, so that it has to be there.
fn factors(text: &str) -> Option<Factors> {
    let (low, high) = match text.split_once(',') {
        Some((low, high)) => (bound(low, f64::INFINITY)?, bound(high, f64::INFINITY)?),
        None => [finite(text)?; 2].into(),
    };
    (low > 0.0 && high > 0.0).then_some(Factors { low, high })
}

fn pclip(text: &str) -> Option<Clip> {
    let (rank, rest) = text.split_once(',')?;
    let rank = finite(rank).filter(|rank| *rank != 0.0)?;
    let whole = rank.abs() < 1.0 || rank.fract() == 0.0;
    let factors = factors(rest).filter(|_| whole)?;
    Some(Clip::Pclip { rank, factors })
}

fn esd(text: &str) -> Option<Clip> {
    let part = |text| finite(text).filter(|part| *part > 0.0 && *part < 1.0);
    let (fraction, alpha) = match text.trim() {
        "" => (0.3, 0.05),
        both => {
            let (fraction, alpha) = both.split_once(',')?;
            let fraction = part(fraction).filter(|fraction| *fraction <= 0.5);
            (fraction?, part(alpha)?)
        }
    };
    Some(Clip::Esd { fraction, alpha })
}

fn rcr(text: &str) -> Option<Clip> {
    let limit = match text.trim() {
        "" => 0.5,
        limit => finite(limit).filter(|limit| *limit > 0.0 && *limit <= 1.0)?,
    };
    Some(Clip::Rcr { limit })
}

/// Writes such a step as it is typed.
pub(super) fn write(clip: &Clip, f: &mut Formatter<'_>) -> fmt::Result {
    let sides = |factors: &Factors| format!("{},{}", side(factors.low), side(factors.high));
    match clip {
        Clip::Percentile(factors) => write!(f, "percentile:{}", sides(factors)),
        Clip::Pclip { rank, factors } => write!(f, "pclip:{},{}", show(*rank), sides(factors)),
        Clip::Winsorized(factors) => write!(f, "winsorized:{}", sides(factors)),
        Clip::MedianSigma(factors) => write!(f, "median-sigma:{}", sides(factors)),
        Clip::LinearFit(factors) => write!(f, "linear-fit:{}", sides(factors)),
        Clip::Poisson(factors) => write!(f, "poisson:{}", sides(factors)),
        Clip::Esd { fraction, alpha } => write!(f, "esd:{},{}", show(*fraction), show(*alpha)),
        Clip::Rcr { limit } => write!(f, "rcr:{}", show(*limit)),
        rule => detector::write(rule, f),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn clip(text: &str) -> Option<Clip> {
        text.parse().ok()
    }

    #[test]
    fn every_rule_is_read_with_its_defaults_and_shown_in_full() {
        for (text, shown) in [
            ("percentile:0.2,0.1", "percentile:0.2,0.1"),
            ("percentile:0.2", "percentile:0.2,0.2"),
            ("pclip:-0.5,3", "pclip:-0.5,3,3"),
            ("pclip:2,,4", "pclip:2,,4"),
            ("winsorized: 3 , 2.5", "winsorized:3,2.5"),
            ("median-sigma:,4", "median-sigma:,4"),
            ("linear-fit:5", "linear-fit:5,5"),
            ("poisson:3", "poisson:3,3"),
            ("poisson:,4", "poisson:,4"),
            ("esd", "esd:0.3,0.05"),
            ("esd:0.1,1e-3", "esd:0.1,0.001"),
            ("rcr", "rcr:0.5"),
            ("rcr:1", "rcr:1"),
        ] {
            assert_eq!(
                clip(text).map(|clip| clip.to_string()).as_deref(),
                Some(shown)
            );
        }
    }

    #[test]
    fn a_rule_that_does_not_read_is_answered_with_its_grammar() {
        for (text, grammar) in [
            ("percentile", PERCENTILE),
            ("percentile:0", PERCENTILE),
            ("percentile:-1,2", PERCENTILE),
            ("pclip:3", PCLIP),
            ("pclip:0,3", PCLIP),
            ("pclip:1.5,3", PCLIP),
            ("winsorized:nan", WINSORIZED),
            ("poisson:0", POISSON),
            ("winsorized:3,3,3", WINSORIZED),
            ("median-sigma:", MEDIAN_SIGMA),
            ("linear-fit:inf", LINEAR_FIT),
            ("esd:0.3", ESD),
            ("esd:0.6,0.05", ESD),
            ("esd:0.3,0", ESD),
            ("rcr:0", RCR),
            ("rcr:1.1", RCR),
        ] {
            let message = text.parse::<Clip>().err().map(|e| e.to_string());
            assert_eq!(
                message,
                Some(format!("--clip '{text}': expected {grammar}"))
            );
        }
    }

    fn rules() -> impl Strategy<Value = Clip> {
        let side = || prop_oneof![1e-300..1e300_f64, 0.1..10.0_f64, Just(f64::INFINITY)];
        let factors = || (side(), side()).prop_map(|(low, high)| Factors { low, high });
        let rank = prop_oneof![
            0.01..0.99_f64,
            -0.99..-0.01_f64,
            (1..99_u8).prop_map(f64::from)
        ];
        let part = || 1e-9..0.999_f64;
        prop_oneof![
            factors().prop_map(Clip::Percentile),
            (rank, factors()).prop_map(|(rank, factors)| Clip::Pclip { rank, factors }),
            factors().prop_map(Clip::Winsorized),
            factors().prop_map(Clip::MedianSigma),
            factors().prop_map(Clip::LinearFit),
            (1e-9..=0.5_f64, part()).prop_map(|(fraction, alpha)| Clip::Esd { fraction, alpha }),
            part().prop_map(|limit| Clip::Rcr { limit }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back_as_the_same_rule(rule in rules()) {
            prop_assert_eq!(clip(&rule.to_string()), Some(rule));
        }
    }
}
