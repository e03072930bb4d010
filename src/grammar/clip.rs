//! The text of a clip step: `minmax:LO,HI`, `extrema:NLOW,NHIGH`, `sigma:LOW,HIGH` with its options; those of the other rules stand
//! beside this.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use super::{bound, rules, show, side, wrong};
use crate::error::{Error, Result};
use crate::recipe::{Center, Clip, Deviation, Iterations, Sigma};

const ANY: &str = "minmax:LO,HI, extrema:NLOW,NHIGH, sigma:LOW,HIGH, percentile:LOW,HIGH, pclip:K,LOW,HIGH, winsorized:LOW,HIGH, \
                   median-sigma:LOW,HIGH, linear-fit:LOW,HIGH, poisson:LOW,HIGH, esd:FRACTION,ALPHA, rcr[:LIMIT], ccd:LOW,HIGH,gain=G,rdnoise=R, cr:HIGH,gain=G,rdnoise=R or auto";
const MINMAX: &str = "minmax:LO,HI, LO not above HI; an empty side is no bound";
const EXTREMA: &str = "extrema:NLOW,NHIGH, two whole numbers from 0";
const SIGMA: &str = "sigma:LOW,HIGH[,center=median|mean][,dev=mad|std][,iters=1|N|converge][,floor=0]; \
                     sigma:3 means 3,3, an empty side is no bound, LOW, HIGH and iters are positive";
const AUTO: &str = "auto, with nothing behind it";

impl FromStr for Clip {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (step, arguments) = text.trim().split_once(':').unwrap_or((text.trim(), ""));
        let (clip, expected) = match step {
            "minmax" => (minmax(arguments), MINMAX),
            "extrema" => (extrema(arguments), EXTREMA),
            "sigma" => (sigma(arguments).map(Self::Sigma), SIGMA),
            "auto" => (auto(text), AUTO),
            _ => rules::read(step, arguments).unwrap_or_else(|| (None, by_other_name(step))),
        };
        clip.ok_or_else(|| wrong("--clip", text, expected))
    }
}

/// What is expected instead of a name: the step that IRAF, Siril or PixInsight call so, if there is one.
fn by_other_name(step: &str) -> &'static str {
    match step.to_ascii_lowercase().as_str() {
        "ccdclip" => "ccd:LOW,HIGH,gain=G,rdnoise=R, which IRAF calls ccdclip",
        "crreject" => "cr:HIGH,gain=G,rdnoise=R, which IRAF calls crreject",
        "avsigclip" => "poisson:LOW,HIGH, which IRAF calls avsigclip",
        "sigclip" | "s" => {
            "sigma:LOW,HIGH,dev=std,iters=converge, the nearest to IRAF's sigclip and Siril's s"
        }
        "mad" | "a" => "sigma:LOW,HIGH,iters=converge, the nearest to Siril's MAD clipping",
        "gesdt" | "g" => "esd:FRACTION,ALPHA, which Siril calls GESDT",
        "p" => "percentile:LOW,HIGH, which Siril calls p",
        "m" | "sigmedian" => "median-sigma:LOW,HIGH, which Siril calls m",
        "w" => "winsorized:LOW,HIGH, which Siril calls w",
        "l" | "linearfit" => "linear-fit:LOW,HIGH, which Siril calls l",
        _ => ANY,
    }
}

fn auto(text: &str) -> Option<Clip> {
    (text.trim() == "auto").then_some(Clip::Auto)
}

fn minmax(arguments: &str) -> Option<Clip> {
    let (low, high) = arguments.split_once(',')?;
    let low = bound(low, f64::NEG_INFINITY)?;
    let high = bound(high, f64::INFINITY)?;
    let holds = low <= high && low < f64::INFINITY && high > f64::NEG_INFINITY;
    holds.then_some(Clip::Minmax { low, high })
}

fn extrema(arguments: &str) -> Option<Clip> {
    let (nlow, nhigh) = arguments.split_once(',')?;
    let nlow = nlow.trim().parse().ok()?;
    let nhigh = nhigh.trim().parse().ok()?;
    Some(Clip::Extrema { nlow, nhigh })
}

fn sigma(arguments: &str) -> Option<Sigma> {
    let mut parts = arguments.split(',').peekable();
    let first = parts.next_if(|part| !part.contains('='))?;
    let low = bound(first, f64::INFINITY)?;
    let high = match parts.next_if(|part| !part.contains('=')) {
        Some(second) => bound(second, f64::INFINITY)?,
        // One bound stands for both sides, so it has to be there.
        None if first.trim().is_empty() => return None,
        None => low,
    };
    let (mut center, mut dev, mut iters, mut floor) = (None, None, None, None);
    for part in parts {
        let (name, value) = part.split_once('=')?;
        let value = value.trim();
        let repeated = match name.trim() {
            "center" => center.replace(read_center(value)?).is_some(),
            "dev" => dev.replace(read_deviation(value)?).is_some(),
            "iters" => iters.replace(read_iterations(value)?).is_some(),
            "floor" => floor.replace(super::finite(value)?).is_some(),
            _ => true,
        };
        if repeated {
            return None;
        }
    }
    let floor = floor.unwrap_or(0.0);
    (low > 0.0 && high > 0.0 && floor >= 0.0).then_some(Sigma {
        low,
        high,
        center: center.unwrap_or_default(),
        dev: dev.unwrap_or_default(),
        iters: iters.unwrap_or(Iterations::Times(1)),
        floor,
    })
}

fn read_center(text: &str) -> Option<Center> {
    match text {
        "median" => Some(Center::Median),
        "mean" => Some(Center::Mean),
        _ => None,
    }
}

fn read_deviation(text: &str) -> Option<Deviation> {
    match text {
        "mad" => Some(Deviation::Mad),
        "std" => Some(Deviation::Std),
        _ => None,
    }
}

fn read_iterations(text: &str) -> Option<Iterations> {
    match text {
        "converge" => Some(Iterations::Converge),
        times => times.parse().ok().filter(|&n| n > 0).map(Iterations::Times),
    }
}

impl Display for Clip {
    /// The step as it is typed, options at their defaults left out.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Minmax { low, high } => write!(f, "minmax:{},{}", side(*low), side(*high)),
            Self::Extrema { nlow, nhigh } => write!(f, "extrema:{nlow},{nhigh}"),
            Self::Sigma(sigma) => write!(f, "{sigma}"),
            Self::Auto => f.write_str("auto"),
            rule => rules::write(rule, f),
        }
    }
}

impl Display for Sigma {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "sigma:{},{}", side(self.low), side(self.high))?;
        if self.center == Center::Mean {
            f.write_str(",center=mean")?;
        }
        if self.dev == Deviation::Std {
            f.write_str(",dev=std")?;
        }
        match self.iters {
            Iterations::Times(1) => {}
            Iterations::Times(times) => write!(f, ",iters={times}")?,
            Iterations::Converge => f.write_str(",iters=converge")?,
        }
        if self.floor > 0.0 {
            write!(f, ",floor={}", show(self.floor))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn clip(text: &str) -> Option<Clip> {
        text.parse().ok()
    }

    fn shown(text: &str) -> Option<String> {
        clip(text).map(|clip| clip.to_string())
    }

    #[test]
    fn one_bound_of_a_sigma_clip_stands_for_both_sides() {
        assert_eq!(shown("sigma:3").as_deref(), Some("sigma:3,3"));
        assert_eq!(
            shown("sigma:3,center=mean").as_deref(),
            Some("sigma:3,3,center=mean")
        );
    }

    #[test]
    fn an_empty_side_is_no_bound() {
        let high = f64::INFINITY;
        assert_eq!(clip("minmax:5,"), Some(Clip::Minmax { low: 5.0, high }));
        assert_eq!(shown("minmax:,60000").as_deref(), Some("minmax:,60000"));
        assert_eq!(shown("minmax:-inf,60000").as_deref(), Some("minmax:,60000"));
        assert_eq!(
            shown("sigma:,2.5,dev=std").as_deref(),
            Some("sigma:,2.5,dev=std")
        );
        assert_eq!(shown("sigma:4,").as_deref(), Some("sigma:4,"));
    }

    #[test]
    fn every_option_of_a_sigma_clip_is_read() {
        let text = "sigma:2,4,center=mean,dev=std,iters=converge,floor=0.5";
        assert_eq!(
            clip(text),
            Some(Clip::Sigma(Sigma {
                low: 2.0,
                high: 4.0,
                center: Center::Mean,
                dev: Deviation::Std,
                iters: Iterations::Converge,
                floor: 0.5
            }))
        );
        assert_eq!(shown(text).as_deref(), Some(text));
        assert_eq!(
            shown("sigma: 3 , 3 , iters=1").as_deref(),
            Some("sigma:3,3")
        );
    }

    #[test]
    fn auto_stands_alone() {
        assert_eq!(clip(" auto "), Some(Clip::Auto));
        assert_eq!(shown("auto").as_deref(), Some("auto"));
    }

    #[test]
    fn no_extrema_is_a_legal_step() {
        assert_eq!(
            clip("extrema:0,0"),
            Some(Clip::Extrema { nlow: 0, nhigh: 0 })
        );
    }

    #[test]
    fn a_step_that_does_not_read_is_answered_with_its_grammar() {
        for (text, grammar) in [
            ("sigma", SIGMA),
            ("sigma:", SIGMA),
            ("sigma:0", SIGMA),
            ("sigma:-3,3", SIGMA),
            ("sigma:nan", SIGMA),
            ("sigma:3,3,3", SIGMA),
            ("sigma:center=mean", SIGMA),
            ("sigma:,center=mean", SIGMA),
            ("sigma:3,center=mode", SIGMA),
            ("sigma:3,iters=0", SIGMA),
            ("sigma:3,iters=2,iters=3", SIGMA),
            ("sigma:3,floor=-1", SIGMA),
            ("sigma:3,dev", SIGMA),
            ("minmax:5", MINMAX),
            ("minmax:7,6", MINMAX),
            ("minmax:nan,6", MINMAX),
            ("extrema:1", EXTREMA),
            ("extrema:-1,0", EXTREMA),
            ("extrema:1.5,0", EXTREMA),
            ("auto:3", AUTO),
            ("sgima:3", ANY),
            ("avsigclip:3", by_other_name("avsigclip")),
            ("GESDT:0.3,0.05", by_other_name("g")),
            ("", ANY),
        ] {
            let message = text.parse::<Clip>().err().map(|e| e.to_string());
            let expected = format!("--clip '{text}': expected {grammar}");
            assert_eq!(message, Some(expected));
        }
    }

    fn steps() -> impl Strategy<Value = Clip> {
        let positive = || prop_oneof![1e-300..1e300_f64, 0.1..10.0_f64, Just(f64::INFINITY)];
        let center = prop_oneof![Just(Center::Mean), Just(Center::Median)];
        let dev = prop_oneof![Just(Deviation::Std), Just(Deviation::Mad)];
        let iters = prop_oneof![
            (1..u32::MAX).prop_map(Iterations::Times),
            Just(Iterations::Converge)
        ];
        prop_oneof![
            (-1e9..1e9_f64, 0.0..1e300_f64).prop_map(|(low, range)| Clip::Minmax {
                low,
                high: low + range
            }),
            (0..usize::MAX, 0..100_usize).prop_map(|(nlow, nhigh)| Clip::Extrema { nlow, nhigh }),
            (positive(), positive(), center, dev, iters, 0.0..1e9_f64).prop_map(
                |(low, high, center, dev, iters, floor)| Clip::Sigma(Sigma {
                    low,
                    high,
                    center,
                    dev,
                    iters,
                    floor
                })
            ),
        ]
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back_as_the_same_step(step in steps()) {
            prop_assert_eq!(clip(&step.to_string()), Some(step));
        }
    }
}
