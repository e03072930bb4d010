//! Tests of the masters.

use super::*;
use crate::recipe::{Flat, FlatNorm, Frames, Hdu, Place, Quantity};
use crate::source::datasum;
use crate::source::list::open;
use crate::source::sample::{card, extension, folder, image, saved, unpacked};
use crate::units::ByteSize;
use crate::watch::Watch;

/// A folder with the frame `raw.fits` and the master `master.fits`.
struct Night(tempfile::TempDir);

impl Night {
    fn new(raw: &[u8], master: &[u8]) -> Self {
        let dir = folder();
        saved(&dir, "raw.fits", raw);
        saved(&dir, "master.fits", master);
        Self(dir)
    }

    fn path(&self, name: &str) -> String {
        let path = self.0.path().join(name);
        path.to_str().expect("UTF-8").to_owned()
    }

    fn frames(&self) -> Frames {
        Frames::new([self.path("raw.fits")])
    }

    /// The masters of a calibration for HDU `hdu` of the frame.
    fn masters_of(
        frames: &Frames,
        calibration: &Calibration,
        hdu: &Hdu,
        every: bool,
    ) -> Result<Masters> {
        let selection = Selection {
            frames,
            hdu,
            keywords: &[],
            calibration,
            unpacked: unpacked(),
            mem_limit: ByteSize(u64::MAX),
        };
        let list = open(&selection, &Watch::default())?;
        masters(&selection, &list, every)
    }

    fn masters(&self, calibration: &Calibration) -> Result<Masters> {
        Self::masters_of(&self.frames(), calibration, &Hdu::Auto, false)
    }

    fn bias(&self) -> Calibration {
        Calibration {
            bias: Some(self.path("master.fits")),
            ..Calibration::default()
        }
    }

    fn dark(&self, scale: bool) -> Calibration {
        Calibration {
            dark: Some(Dark {
                file: self.path("master.fits"),
                scale,
                exposure_key: "EXPTIME".into(),
                exposure: Some(10.0),
                dark_exposure: None,
            }),
            ..Calibration::default()
        }
    }

    fn flat(&self, shared_norm: bool) -> Calibration {
        Calibration {
            flat: Some(Flat {
                file: self.path("master.fits"),
                min: None,
                norm: FlatNorm::Mean,
                section: None,
                shared_norm,
            }),
            ..Calibration::default()
        }
    }

    /// What is said of a calibration that is refused, without the folder.
    fn fault(&self, calibration: &Calibration) -> String {
        let said = self.masters(calibration).expect_err("refused").to_string();
        said.replace(&format!("{}/", self.0.path().display()), "")
    }
}

fn plain() -> Vec<u8> {
    image(&[], 16, &[4, 3])
}

fn unit(unit: &str) -> Vec<u8> {
    image(&[card("BUNIT", unit)], -32, &[4, 3])
}

fn chip(name: &str, axes: &[usize]) -> Vec<u8> {
    extension(&[card("EXTNAME", &format!("'{name}'"))], 8, axes)
}

#[test]
fn a_master_brings_its_planes_under_the_usual_names_or_those_of_the_frames() {
    let master = [
        image(&[card("DATASUM", "'1234567'")], -32, &[4, 3]),
        chip("MASK", &[4, 3]),
        chip("ERR", &[4, 3]),
        chip("DQ", &[4, 3]),
    ];
    let night = Night::new(&plain(), &master.concat());
    let mut calibration = night.bias();
    calibration.mask_bits = Some(MaskBits { bad: 4 });
    let mut frames = night.frames();
    frames.mask_hdu = Some("DQ".into());
    frames.uncertainty_hdu = Some("ERR".into());
    let of = |frames: &Frames| {
        let masters = Night::masters_of(frames, &calibration, &Hdu::Auto, false);
        masters.expect("opened").bias.expect("a bias")
    };
    let bias = of(&frames);
    assert_eq!(bias.mask.map(|mask| mask.start), Some(3 * 2880));
    assert_eq!(bias.mask_bits, None, "MASK is no field of bits");
    assert_eq!(
        bias.uncertainty.map(|(image, _)| image.start),
        Some(5 * 2880)
    );
    assert_eq!(datasum(&bias).ok().as_deref(), Some("1234567"));
    frames.mask_hdu = None;
    frames.uncertainty_hdu = None;
    let bare = of(&frames);
    assert!(bare.mask.is_none() && bare.uncertainty.is_none());

    let night = Night::new(&plain(), &[plain(), chip("DQ", &[4, 3])].concat());
    calibration.bias = Some(night.path("master.fits"));
    frames.mask_hdu = Some("DQ".into());
    let masters = Night::masters_of(&frames, &calibration, &Hdu::Auto, false);
    let bias = masters.expect("opened").bias.expect("a bias");
    assert_eq!(
        (bias.mask.is_some(), bias.mask_bits),
        (true, calibration.mask_bits)
    );
}

#[test]
fn masters_of_another_shape_are_refused_with_both_files() {
    let night = Night::new(&image(&[], 16, &[6, 5]), &plain());
    assert_eq!(
        night.fault(&night.bias()),
        "--bias master.fits: 4 × 3 pixels, but raw.fits has 6 × 5; the two must be alike, by --trim or another file"
    );
    let trimmed = |calibration: Calibration, section: &str| Calibration {
        trim: Some(Place::Section(section.parse().expect("a section"))),
        ..calibration
    };
    assert!(
        night
            .masters(&trimmed(night.flat(false), "[2:5,1:3]"))
            .is_ok()
    );
    let whole = Night::new(&image(&[], 16, &[6, 5]), &image(&[], 16, &[6, 5]));
    assert_eq!(
        whole.fault(&trimmed(whole.flat(false), "[2:5,1:3]")),
        "--flat master.fits: 6 × 5 pixels, but raw.fits is trimmed from that to 4 × 3; \
         trim this in the same way before it is used"
    );
    let cube = Night::new(&plain(), &image(&[], 16, &[4, 3, 2]));
    assert!(
        cube.fault(&cube.bias())
            .contains("has 2 planes, where a master has one")
    );
}

#[test]
fn units_agree_at_the_step_but_not_that_of_the_flat() {
    let electrons = Night::new(&plain(), &unit("'electron'"));
    assert_eq!(
        electrons.fault(&electrons.bias()),
        "--bias master.fits: its unit is 'electron', but raw.fits is in 'adu'; give --gain without --gain-last, or a master in 'adu'"
    );
    assert!(electrons.masters(&electrons.flat(false)).is_ok());
    let gain = |calibration: Calibration, gain_last| Calibration {
        gain: Some(Quantity::Number(2.0)),
        gain_last,
        ..calibration
    };
    assert!(electrons.masters(&gain(electrons.bias(), false)).is_ok());
    assert!(
        electrons
            .masters(&gain(electrons.dark(false), true))
            .is_err()
    );
    let counts = Night::new(&plain(), &unit("'DN'"));
    assert!(counts.masters(&gain(counts.bias(), true)).is_ok());
    assert_eq!(
        counts.fault(&gain(counts.dark(false), false)),
        "--dark master.fits: its unit is 'adu', but raw.fits is in 'electron' after --gain; \
         give --gain-last, or a master that is made with --gain"
    );
    let done = image(&[card("ZEROCOR", "'done'")], 16, &[4, 3]);
    let done = Night::new(&done, &unit("'electron'"));
    assert!(done.masters(&done.bias()).is_ok(), "it is not subtracted");
}

#[test]
fn a_dark_that_is_scaled_has_an_exposure() {
    let night = Night::new(&plain(), &plain());
    assert!(night.masters(&night.dark(false)).is_ok());
    assert_eq!(
        night.fault(&night.dark(true)),
        "--dark master.fits: has no exposure time: EXPTIME is not in its header; \
         --dark-scale needs it for raw.fits; give --dark-exposure"
    );
    let timed = Night::new(&plain(), &image(&[card("EXPTIME", "'120.0'")], 16, &[4, 3]));
    let dark = timed.masters(&timed.dark(true)).expect("opened").dark;
    assert_eq!(dark.and_then(|dark| dark.exposure), Some(120.0));
}

#[test]
fn chips_find_their_masters() {
    let axes: &[&[usize]] = &[&[4, 3], &[5, 3]];
    let raw = [image(&[], 8, &[]), chip("A", axes[0]), chip("B", axes[1])].concat();
    let master = [image(&[], 8, &[]), chip("B", axes[1]), chip("A", axes[0])].concat();
    let night = Night::new(&raw, &master);
    let of = |calibration: &Calibration, hdu| {
        Night::masters_of(&night.frames(), calibration, &Hdu::Number(hdu), true)
    };
    let (flat, shared) = (night.flat(false), night.flat(true));
    for (hdu, ncol) in [(1, 4), (2, 5)] {
        let found = of(&flat, hdu).expect("opened");
        let image = found.flat.expect("a flat").image;
        assert_eq!(image.shape.ncol, ncol);
        assert!(found.chips.is_empty());
    }
    let found = of(&shared, 1).expect("opened");
    let ncol: Vec<_> = found
        .chips
        .iter()
        .map(|chip| chip.image.shape.ncol)
        .collect();
    assert_eq!(ncol, [5, 4]);
    assert_eq!(found.paths().count(), 3);
    assert_eq!(
        found.get(Role::Chip(1)).map(|chip| chip.image),
        found.flat.map(|flat| flat.image)
    );
    let typed = Calibration {
        bias: Some(night.path("master.fits[2]")),
        ..Calibration::default()
    };
    assert!(of(&typed, 1).is_ok() && of(&typed, 2).is_err());
    let lone = Night::new(&raw, &image(&[], 8, axes[1]));
    let lone_of =
        |every| Night::masters_of(&lone.frames(), &lone.bias(), &Hdu::Number(2), every).map(|_| ());
    assert!(lone_of(false).is_ok());
    let said = lone_of(true).expect_err("refused").to_string();
    assert!(
        said.contains("has 1 image, none for image 2 of 2, 'B', of "),
        "{said}"
    );
    assert!(said.ends_with("raw.fits[2]"), "{said}");
}

#[test]
fn a_datasum_that_no_header_has_is_summed() {
    for axes in [&[4, 3][..], &[400, 300]] {
        let bytes = image(&[], -32, axes);
        let night = Night::new(&bytes, &bytes);
        let bias = night.masters(&night.bias()).expect("opened").bias;
        let mut sum = crate::checksum::Sum::default();
        sum.add(0, &bytes[2880..]);
        let bias = bias.expect("a bias");
        assert_eq!(datasum(&bias).ok(), Some(sum.value().to_string()));
    }
}
