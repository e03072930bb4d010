//! Every form of every choice of a calibration reads, reads back, and is refused with its grammar.

use std::fmt::Debug;

use super::*;
use proptest::prelude::*;

/// How a text is shown once it is read; `None` where it does not read.
fn shown<T: FromStr + Display>(text: &str) -> Option<String> {
    text.parse::<T>().ok().map(|value| value.to_string())
}

/// Wants none of these to read, each refused with the flag and its grammar.
#[track_caller]
fn refused<T: FromStr<Err = Error> + Debug>(flag: &str, grammar: &str, texts: &[&str]) {
    for text in texts {
        let message = text.parse::<T>().err().map(|error| error.to_string());
        let message = message.unwrap_or_default();
        assert!(
            message.starts_with(&format!("{flag} '{text}': expected ")),
            "{text}: {message}"
        );
        assert!(message.contains(grammar), "{text}: {message}");
    }
}

#[test]
fn words_read_back() {
    for word in ["median", "mean"] {
        assert_eq!(shown::<OverscanStat>(word).as_deref(), Some(word));
    }
    for word in ["row", "column"] {
        assert_eq!(shown::<Axis>(word).as_deref(), Some(word));
    }
    for word in ["readnoise", "mask"] {
        assert_eq!(shown::<Negative>(word).as_deref(), Some(word));
    }
    for word in ["none", "median", "mode"] {
        assert_eq!(shown::<Sky>(word).as_deref(), Some(word));
    }
    refused::<Sky>("--sky", "none, median or mode", &["mean", ""]);
}

#[test]
fn a_place_is_a_section_in_brackets_or_a_keyword() {
    let section = "[1:10,*]".parse().expect("a section");
    assert_eq!(
        " [1:10, *]".parse().ok(),
        Some(Place::Section(section)),
        "blanks are nothing"
    );
    for (text, as_shown) in [
        ("[  17: 528,   1: 520]", "[17:528,1:520]"),
        ("[1:4096, :]", "[1:4096,*]"),
        ("biassec", "BIASSEC"),
        (" ESO det  OUT1", "ESO DET  OUT1"),
    ] {
        assert_eq!(shown::<Place>(text).as_deref(), Some(as_shown), "{text}");
    }
    let wrong = [
        "",
        "1:10,1:20",
        "[1:10]",
        "[0:1,1:2]",
        "[5:1,*]",
        "BIAS*",
        "[BIASSEC]",
        "17",
        "key:BIASSEC",
    ];
    refused::<Place>("--overscan or --trim", "[x1:x2,y1:y2]", &wrong);
}

#[test]
fn a_quantity_is_a_number_or_a_keyword() {
    assert_eq!("1.5".parse().ok(), Some(Quantity::Number(1.5)));
    assert_eq!(" 2e0 ".parse().ok(), Some(Quantity::Number(2.0)));
    assert_eq!(
        "gain".parse().ok(),
        Some(Quantity::Keyword("GAIN".into())),
        "a keyword in upper case"
    );
    let wrong = ["", "nan", "inf", "1.5.2", "1,5", "2x", "key:GAIN", "GAIN=2"];
    refused::<Quantity>("--gain or --readnoise", "a number", &wrong);
}

#[test]
fn a_fit_is_a_curve_and_its_degree_or_pieces() {
    for (text, fit) in [
        ("poly:0", Fit::Polynomial(0)),
        ("poly: 3", Fit::Polynomial(3)),
        ("legendre:1", Fit::Legendre(1)),
        ("chebyshev:12", Fit::Chebyshev(12)),
        ("spline3:1", Fit::Spline(1)),
    ] {
        assert_eq!(text.parse().ok(), Some(fit), "{text}");
    }
    let wrong = [
        "",
        "none",
        "poly",
        "poly:",
        "poly:-1",
        "poly:1.5",
        "poly:10000",
        "spline3:0",
        "spline:3",
        "Poly:1",
        "legendre:1:2",
    ];
    refused::<Fit>("--overscan-fit", "none, poly:N, legendre:N", &wrong);
}

#[test]
fn an_overscan_clip_is_two_bounds_and_rounds() {
    let clip = OverscanClip {
        low: 3.0,
        high: 2.5,
        rounds: 4,
    };
    assert_eq!("3, 2.5, 4".parse().ok(), Some(clip));
    assert_eq!(shown::<OverscanClip>(",3,1").as_deref(), Some(",3,1"));
    assert_eq!(shown::<OverscanClip>("3,inf,1").as_deref(), Some("3,,1"));
    let wrong = [
        "", "3", "3,3", "3,3,0", "0,3,1", "-3,3,1", "nan,3,1", ",,1", "3,3,1.5", "3,3,1,1",
    ];
    refused::<OverscanClip>("--overscan-clip", "LOW,HIGH,N", &wrong);
}

#[test]
fn mask_bits_are_those_that_are_bad() {
    for (text, bad, as_shown) in [
        ("1,4", 5, "1,4"),
        ("1 + 4", 5, "1,4"),
        ("(4|1)", 5, "1,4"),
        ("4,4", 4, "4"),
        ("12", 12, "4,8"),
        ("~2", !2, "~2"),
        ("~(2,16)", !18, "~2,16"),
        ("all", u64::MAX, "all"),
        ("9223372036854775808", 1 << 63, "9223372036854775808"),
    ] {
        let bits = text.parse::<MaskBits>().ok();
        assert_eq!(bits, Some(MaskBits { bad }), "{text}");
        assert_eq!(shown::<MaskBits>(text).as_deref(), Some(as_shown), "{text}");
    }
    let wrong = [
        "",
        "0",
        "~0",
        "~",
        "3,4",
        "1,,4",
        "1,4+8",
        "-1",
        "~~2",
        "(1",
        "~all",
        "All",
        "1.0",
        "SATURATED",
        "18446744073709551616",
    ];
    refused::<MaskBits>("--mask-bits", "powers of 2", &wrong);
}

#[test]
fn a_flat_norm_is_a_statistic_or_a_positive_number() {
    assert_eq!("mean".parse().ok(), Some(FlatNorm::Mean));
    assert_eq!("median".parse().ok(), Some(FlatNorm::Median));
    assert_eq!("2e4".parse().ok(), Some(FlatNorm::Value(2e4)));
    refused::<FlatNorm>(
        "--flat-norm",
        "a positive number",
        &["", "mode", "0", "-1", "nan", "inf"],
    );
}

#[test]
fn beyond_a_level_values_are_masked_blanked_or_replaced() {
    for (text, level, then) in [
        ("0.2=mask", 0.2, Then::Mask),
        ("-5 = NaN", -5.0, Then::Nan),
        ("6e4=6e4", 6e4, Then::Value(6e4)),
        ("0=-1", 0.0, Then::Value(-1.0)),
    ] {
        assert_eq!(text.parse().ok(), Some(Beyond { level, then }), "{text}");
    }
    let wrong = [
        "", "5", "5=", "=mask", "nan=mask", "5=inf", "5=blank", "5=1=2", "5:mask",
    ];
    refused::<Beyond>("--below or --above", "V=mask, V=nan or V=W", &wrong);
}

fn numbers() -> impl Strategy<Value = f64> {
    prop_oneof![-1e300..1e300_f64, -10.0..10.0_f64, Just(0.2)]
}

fn positive() -> impl Strategy<Value = f64> {
    prop_oneof![1e-300..1e300_f64, 0.1..10.0_f64]
}

proptest! {
    #[test]
    fn what_is_shown_reads_back(
        number in numbers(),
        other in numbers(),
        above in positive(),
        key in "K[A-Z0-9_-]{0,7}( K[A-Z0-9_-]{1,7}){0,3}",
        terms in 1..9999_usize,
        rounds in 1..u32::MAX,
        bits in 1..u64::MAX,
        ends in (1..9999_usize, 0..9999_usize),
    ) {
        for quantity in [Quantity::Number(number), Quantity::Keyword(key.clone())] {
            prop_assert_eq!(quantity.to_string().parse::<Quantity>().ok(), Some(quantity));
        }
        let section = format!("[{}:{},*]", ends.0, ends.0 + ends.1);
        for place in [section.parse().map(Place::Section).expect("a section"), Place::Keyword(key)] {
            prop_assert_eq!(place.to_string().parse::<Place>().ok(), Some(place));
        }
        for fit in [Fit::Polynomial(terms - 1), Fit::Legendre(terms), Fit::Chebyshev(terms), Fit::Spline(terms)] {
            prop_assert_eq!(fit.to_string().parse::<Fit>().ok(), Some(fit));
        }
        for (low, high) in [(above, f64::INFINITY), (f64::INFINITY, above), (above, above)] {
            let clip = OverscanClip { low, high, rounds };
            prop_assert_eq!(clip.to_string().parse::<OverscanClip>().ok(), Some(clip));
        }
        for bad in [bits, !(bits >> 40), bits & (bits >> 1) | 1] {
            let bits = MaskBits { bad };
            prop_assert_eq!(bits.to_string().parse::<MaskBits>().ok(), Some(bits));
        }
        for norm in [FlatNorm::Value(above), FlatNorm::Mean, FlatNorm::Median] {
            prop_assert_eq!(norm.to_string().parse::<FlatNorm>().ok(), Some(norm));
        }
        for then in [Then::Mask, Then::Nan, Then::Value(other)] {
            let beyond = Beyond { level: number, then };
            prop_assert_eq!(beyond.to_string().parse::<Beyond>().ok(), Some(beyond));
        }
    }
}
