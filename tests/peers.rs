//! Where our rules differ from those of IRAF and Siril: the cases that scripts/rejection_cases.py runs through these programs, and what we
//! keep of them.

use crate::common::{Place, assert_close, assert_same};
use crate::fits::Image;

const NONE: f64 = f64::NAN;

/// A pixel, what is asked for, and what we keep of it.
struct Case<'a> {
    way: &'a str,
    samples: &'a [f64],
    flags: &'a str,
    kept: &'a [f64],
}

/// Differences from imcombine.
const IRAF: [Case<'static>; 6] = [
    Case {
        way: "pclip: what lies on the bound stays",
        samples: &[10.0, 12.0, 14.0, 16.0, 20.0],
        flags: "--clip pclip:-1,3,3",
        kept: &[10.0, 12.0, 14.0, 16.0, 20.0],
    },
    Case {
        way: "nkeep: so many come back as are asked for, equal residuals or not",
        samples: &[10.0, 40.0, 50.0, 60.0, 90.0],
        flags: "--clip ccd:5,gain=1e6,rdnoise=1 --nkeep 2",
        kept: &[40.0, 50.0],
    },
    Case {
        way: "ends: each sample is judged by its own frame, behind one that stays too",
        samples: &[100.0, 100.0, 100.0, 103.0, 106.0],
        flags: "--clip ccd:3,gain=1000,rdnoise=RDNOISE",
        kept: &[100.0, 100.0, 100.0, 106.0],
    },
    Case {
        way: "no noise: without read noise and light nothing goes",
        samples: &[-5.0, -1.0, 0.0, 1.0, 5.0],
        flags: "--clip ccd:3,gain=1,rdnoise=0",
        kept: &[-5.0, -1.0, 0.0, 1.0, 5.0],
    },
    Case {
        way: "one median: of three frames the deviation of a row is 10",
        samples: &[90.0, 100.0, 110.0],
        flags: "--clip poisson:1.1",
        kept: &[90.0, 100.0, 110.0],
    },
    Case {
        way: "fraction: the same number of what is there goes",
        samples: &[10.0, 20.0, NONE, NONE],
        flags: "--clip extrema:0,2",
        kept: &[],
    },
];

/// Differences from Siril.
const SIRIL: [Case<'static>; 9] = [
    Case {
        way: "floor: of four samples one may go",
        samples: &[-1.0, 0.0, 1.0, 60.0],
        flags: "--clip winsorized:3",
        kept: &[-1.0, 0.0, 1.0],
    },
    Case {
        way: "falls to 0: a quantised bias is not eaten",
        samples: &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0],
        flags: "--clip winsorized:3",
        kept: &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0],
    },
    Case {
        way: "all gone: nothing is written",
        samples: &[44.0, 44.0, 84.0, 84.0],
        flags: "--clip percentile:0.1",
        kept: &[],
    },
    Case {
        way: "signed: with a negative median only what is far from it goes",
        samples: &[-67.0, -66.0, -64.0, -63.0, -40.0],
        flags: "--clip percentile:0.1",
        kept: &[-67.0, -66.0, -64.0, -63.0],
    },
    Case {
        way: "counts: a replaced outlier is left out",
        samples: &[0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 2.0, 4.0, 4.0, 4.0, 150.0],
        flags: "--clip median-sigma:2",
        kept: &[0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 2.0, 4.0, 4.0, 4.0],
    },
    Case {
        way: "creeps: the median stays where it was",
        samples: &[0.0, 0.0, 0.0, 1.0, 4.0, 8.0],
        flags: "--clip median-sigma:1.5",
        kept: &[0.0, 0.0, 0.0, 1.0],
    },
    Case {
        way: "moments: the second line is one of least squares, too",
        samples: &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 120.0],
        flags: "--clip linear-fit:2",
        kept: &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0],
    },
    Case {
        way: "two at least: of good samples none goes",
        samples: &[-2.0, -1.0, -1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 2.5],
        flags: "--clip esd:0.3,0.05",
        kept: &[-2.0, -1.0, -1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 2.5],
    },
    Case {
        way: "wrong one: those go that were tested",
        samples: &[-100.0, -1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 3.0, 60.0],
        flags: "--clip esd:0.2,0.05",
        kept: &[-1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 3.0],
    },
];

/// Runs a case.
#[track_caller]
fn assert_keeps(case: &Case<'_>) {
    let place = Place::new();
    for (number, sample) in case.samples.iter().enumerate() {
        let rdnoise = if number == 4 { 1e5 } else { 0.0 };
        // Eight pixels alike: for deviations of rows.
        Image::row(&[*sample; 8])
            .card(format!("RDNOISE = {rdnoise:>20.1}"))
            .write(place.path(&format!("f{number:02}.fits")));
    }
    let got = place.combined(&format!("{} --planes data,count 'f*.fits'", case.flags));
    let count = place.plane("out.fits", Some("COUNT"));
    let mean = case.kept.iter().sum::<f64>() / case.kept.len() as f64;
    let way = case.way;
    assert!(count == [case.kept.len() as f64; 8], "{way}: {count:?}");
    let close = (got[0] - mean).abs() <= 1e-6 || got[0].is_nan() && mean.is_nan();
    assert!(close, "{way}: {} and not {mean}", got[0]);
}

#[test]
fn what_we_keep_where_imcombine_does_not_agree() {
    IRAF.iter().for_each(assert_keeps);
    // About the mean, with ddof 0, as ccdproc has it.
    let mut samples = [0.0; 10];
    samples[9] = 28.0;
    assert_keeps(&Case {
        way: "about centre",
        samples: &samples,
        flags: "--clip sigma:3.1,dev=std,iters=converge",
        kept: &samples[..9],
    });
}

#[test]
fn what_we_keep_where_siril_does_not_agree() {
    SIRIL.iter().for_each(assert_keeps);
    let mut samples = [0.0; 8];
    samples[7] = 10.0;
    assert_keeps(&Case {
        way: "ddof",
        samples: &samples,
        flags: "--clip sigma:2.9,dev=std,iters=converge",
        kept: &samples[..7],
    });
    let mad = [-2.0, -1.0, -1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 7.0, 180.0];
    assert_keeps(&Case {
        way: "histogram: the MAD is that of the samples",
        samples: &mad,
        flags: "--clip sigma:4.384,iters=converge",
        kept: &mad[..9],
    });
}

#[test]
fn nothing_grows_where_nkeep_would_not_hold() {
    let place = Place::new();
    for number in 0..3 {
        let mut pixels = [100.0; 25];
        match number {
            0 => pixels[11] = 9000.0,
            1 => pixels[12] = 9000.0,
            _ => {}
        }
        Image::new(-32, &[5, 5], &pixels).write(place.path(&format!("f{number}.fits")));
    }
    place.combined(
        "--clip ccd:4,gain=1,rdnoise=10 --grow 1 --nkeep 2 --planes data,count 'f*.fits'",
    );
    let count = place.plane("out.fits", Some("COUNT"));
    assert_same(&count[10..15], &[2.0, 2.0, 2.0, 2.0, 3.0]);
}

#[test]
fn a_sample_that_leaves_from_the_other_end_is_told_by_its_side_of_the_line() {
    let place = Place::new();
    let samples = [975.06, 1029.78, 1009.09, 981.22, 999.92, 1289.82, 919.84];
    for (number, sample) in samples.iter().enumerate() {
        Image::row(&[*sample]).write(place.path(&format!("f{number}.fits")));
    }
    let kept =
        place.combined("--clip linear-fit:1.5 --rejected masks --planes data,low,high 'f*.fits'");
    assert_close(&kept, &[(1009.09 + 981.22 + 999.92) / 3.0], 1e-6);
    // 1029.78 lies below the first line, and 975.06 above the second.
    for (number, code) in [2.0, 1.0, 0.0, 0.0, 0.0, 2.0, 1.0].into_iter().enumerate() {
        let told = place.plane(&format!("masks/f{number}.fits"), Some("REJECTED"));
        assert_same(&told, &[code]);
    }
}
