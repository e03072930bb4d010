//! The planes that stand beside an image in its file: its mask and its uncertainty.

use crate::header::{Header, printable};
use crate::pixels::{Image, UncertaintyKind};
use crate::recipe::Frames;
use crate::shape::Shape;
use crate::source::choose::usable;
use crate::source::damage::nothing_broken_off;
use crate::source::file::FitsFile;
use crate::source::planes::{Kind, Planes, kind};
use crate::source::unit::HeaderUnit;

/// The EXTNAMEs of the planes that stand beside images; `None` where none is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct CompanionNames<'a> {
    pub mask: Option<&'a str>,
    pub uncertainty: Option<&'a str>,
}

impl<'a> CompanionNames<'a> {
    /// Those that were asked for.
    pub(super) fn of(frames: &'a Frames) -> Self {
        Self {
            mask: frames.mask_hdu.as_deref(),
            uncertainty: frames.uncertainty_hdu.as_deref(),
        }
    }

    /// Whether an HDU is a companion plane by its name; the usual names always are.
    pub(super) fn include(self, unit: &HeaderUnit) -> bool {
        let Some(own) = unit.name().map(|name| name.to_ascii_uppercase()) else {
            return false;
        };
        let names = [Some("MASK"), Some("UNCERT"), self.mask, self.uncertainty];
        names.into_iter().flatten().any(|name| {
            let stem = own.strip_suffix(&name.trim().to_ascii_uppercase());
            stem.is_some_and(|stem| stem.is_empty() || stem.ends_with('_'))
        })
    }
}

/// The companion planes of an image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Companions {
    mask: Option<Planes>,
    uncertainty: Option<(Planes, UncertaintyKind)>,
}

impl Companions {
    /// Looks for the companions of the image in HDU `image`; they must have its shape, not that which it is `trimmed` to.
    pub(super) fn of(
        file: &mut FitsFile,
        image: usize,
        planes: &Planes,
        trimmed: Shape,
        names: CompanionNames<'_>,
    ) -> Result<Self, String> {
        let mut found = |name: Option<&str>| {
            name.map_or(Ok(None), |name| {
                companion(file, image, (planes, trimmed), name)
            })
        };
        let mask = found(names.mask)?.map(|(_, planes)| planes);
        let uncertainty = match found(names.uncertainty)? {
            Some((number, planes)) => Some((planes, uncertainty_kind(&file.known(number).header)?)),
            None => None,
        };
        let wanted = [names.mask, names.uncertainty]
            .into_iter()
            .flatten()
            .count();
        if usize::from(mask.is_some()) + usize::from(uncertainty.is_some()) < wanted {
            let or = ", or give --mask-hdu none and --uncertainty-hdu none";
            nothing_broken_off(file, or)?;
        }
        Ok(Self { mask, uncertainty })
    }

    /// The mask of a plane of the image.
    pub(super) fn mask(&self, plane: usize) -> Option<Image> {
        self.mask.map(|planes| of_plane(&planes, plane))
    }

    /// The uncertainty of a plane of the image.
    pub(super) fn uncertainty(&self, plane: usize) -> Option<(Image, UncertaintyKind)> {
        self.uncertainty
            .map(|(planes, kind)| (of_plane(&planes, plane), kind))
    }
}

/// The companion of a plane of a cube: its own plane, or the only one, which serves all.
fn of_plane(companion: &Planes, plane: usize) -> Image {
    companion.plane(if companion.count == 1 { 0 } else { plane })
}

/// The HDU that stands beside an image as its plane `wanted`, and its planes.
fn companion(
    file: &mut FitsFile,
    image: usize,
    (planes, trimmed): (&Planes, Shape),
    wanted: &str,
) -> Result<Option<(usize, Planes)>, String> {
    let named = |fault| format!("its companion plane '{}': {fault}", printable(wanted));
    let Some(number) = find(file, image, wanted).map_err(named)? else {
        return Ok(None);
    };
    let found = file.planes(number).map_err(named)?;
    if found.shape() != planes.shape() || ![1, planes.count].contains(&found.count) {
        let extent = |planes: &Planes| match planes.count {
            1 => planes.shape().to_string(),
            count => format!("{} × {count}", planes.shape()),
        };
        let already = if found.shape() == trimmed && trimmed != planes.shape() {
            ", and only then is trimmed to that; its companion planes are trimmed with it, so they must be whole too"
        } else {
            ""
        };
        return Err(format!(
            "HDU {number}, its companion plane '{}', has {} pixels, but the image in HDU {image} has {}{already}",
            printable(&file.known(number).name().unwrap_or_default()),
            extent(&found),
            extent(planes),
        ));
    }
    Ok(Some((number, found)))
}

/// The HDU that stands beside an image as its plane `wanted`: `NAME_WANTED` for an image that is called NAME, else
/// `WANTED`; of the same EXTVER.
fn find(file: &mut FitsFile, image: usize, wanted: &str) -> Result<Option<usize>, String> {
    let Some(unit) = file.unit(image) else {
        return Ok(None);
    };
    let version = unit.version();
    let own = unit.name().map(|name| format!("{name}_{}", wanted.trim()));
    let found = own
        .iter()
        .map(String::as_str)
        .chain([wanted])
        .find_map(|name| {
            let mut all = file.all();
            all.find(|(number, unit)| {
                let fits = *number != image && unit.is_named(name) && unit.version() == version;
                fits && !matches!(kind(&unit.header), Kind::Other(_))
            })
            .map(|(number, unit)| usable(number, unit))
        });
    found.transpose()
}

/// What the numbers of an uncertainty plane are.
fn uncertainty_kind(header: &Header) -> Result<UncertaintyKind, String> {
    let utype = header.text("UTYPE").unwrap_or_default();
    Ok(match utype.trim().to_ascii_lowercase().as_str() {
        "" | "stddevuncertainty" | "std" => UncertaintyKind::StdDev,
        "varianceuncertainty" | "var" => UncertaintyKind::Variance,
        "inversevariance" | "inversevarianceuncertainty" | "ivar" => {
            UncertaintyKind::InverseVariance
        }
        _ => {
            return Err(format!(
                "UTYPE of its uncertainty is '{}'; it must be StdDevUncertainty, VarianceUncertainty or \
                 InverseVariance (or give --uncertainty-hdu none)",
                printable(&utype)
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::sample::{card, extension, folder, image, saved, unpacked};

    const USUAL: CompanionNames<'_> = CompanionNames {
        mask: Some("MASK"),
        uncertainty: Some("UNCERT"),
    };

    /// A file with a primary HDU of these axes and these further HDUs.
    fn file(axes: &[usize], hdus: &[Vec<u8>]) -> FitsFile {
        let dir = folder();
        let path = saved(
            &dir,
            "a.fits",
            &[image(&[], 16, axes), hdus.concat()].concat(),
        );
        FitsFile::open(&path, unpacked()).expect("opened")
    }

    fn plane(name: &str, more: &[(&str, &str)], axes: &[usize]) -> Vec<u8> {
        let mut cards = vec![card("EXTNAME", &format!("'{name}'"))];
        cards.extend(more.iter().map(|(keyword, value)| card(keyword, value)));
        extension(&cards, 16, axes)
    }

    #[test]
    fn a_companion_has_the_name_of_its_image_or_its_version() {
        let of = |name: &str, version: &str| plane(name, &[("EXTVER", version)], &[4, 3]);
        let plain = |name: &str| plane(name, &[], &[4, 3]);
        let hdus = [
            of("SCI", "1"),
            of("MASK", "1"),
            of("SCI", "2"),
            of("MASK", "2"),
            plain("AMP"),
            plain("AMP_MASK"),
            plain("BMP"),
        ];
        let mut file = file(&[], &hdus);
        assert_eq!(find(&mut file, 1, "MASK"), Ok(Some(2)));
        assert_eq!(find(&mut file, 3, "mask"), Ok(Some(4)));
        assert_eq!(find(&mut file, 5, "MASK"), Ok(Some(6)));
        assert_eq!(find(&mut file, 7, "MASK"), Ok(Some(2)));
        assert_eq!(find(&mut file, 1, "UNCERT"), Ok(None));
        assert_eq!(
            find(&mut file, 6, "AMP_MASK"),
            Ok(None),
            "an image is not its own companion"
        );
    }

    /// The companions of the image in the primary HDU.
    fn of(axes: &[usize], hdus: &[Vec<u8>]) -> Result<Companions, String> {
        let mut file = file(axes, hdus);
        let planes = Planes::of(file.known(0), file.length()).expect("an image");
        Companions::of(&mut file, 0, &planes, planes.shape(), USUAL)
    }

    #[test]
    fn an_uncertainty_is_what_its_utype_says() {
        for (utype, kind) in [
            ("'StdDevUncertainty'", UncertaintyKind::StdDev),
            ("'VarianceUncertainty'", UncertaintyKind::Variance),
            ("'InverseVariance'", UncertaintyKind::InverseVariance),
            ("''", UncertaintyKind::StdDev),
        ] {
            let found =
                of(&[4, 3], &[plane("UNCERT", &[("UTYPE", utype)], &[4, 3])]).expect("found");
            assert_eq!(found.uncertainty(0).map(|(_, kind)| kind), Some(kind));
        }
        let said = of(
            &[4, 3],
            &[plane(
                "UNCERT",
                &[("UTYPE", "'UnknownUncertainty'")],
                &[4, 3],
            )],
        )
        .expect_err("refused");
        assert!(
            said.contains("UTYPE of its uncertainty is 'UnknownUncertainty'"),
            "{said}"
        );
    }

    #[test]
    fn a_companion_of_another_shape_is_refused_with_both() {
        let said = of(&[4, 3], &[plane("MASK", &[], &[3, 4])]).expect_err("refused");
        assert_eq!(
            said,
            "HDU 1, its companion plane 'MASK', has 3 × 4 pixels, but the image in HDU 0 has 4 × 3"
        );
        assert!(
            of(&[4, 3, 2], &[plane("MASK", &[], &[4, 3, 3])])
                .expect_err("refused")
                .contains("4 × 3 × 3 pixels")
        );
    }

    #[test]
    fn a_companion_that_is_trimmed_already_is_told_so() {
        let mut file = file(&[4, 3], &[plane("MASK", &[], &[2, 3])]);
        let planes = Planes::of(file.known(0), file.length()).expect("an image");
        let trimmed = Shape { nrow: 3, ncol: 2 };
        let said = Companions::of(&mut file, 0, &planes, trimmed, USUAL).expect_err("refused");
        assert!(
            said.contains("has 2 × 3 pixels, but the image in HDU 0 has 4 × 3, and only then is trimmed to that"),
            "{said}"
        );
    }

    #[test]
    fn a_cube_has_a_companion_for_each_plane_or_one_for_all() {
        let each = of(&[4, 3, 2], &[plane("MASK", &[], &[4, 3, 2])]).expect("found");
        let starts = [0, 1].map(|n| each.mask(n).expect("a mask").start);
        assert_eq!(starts, [3 * 2880, 3 * 2880 + 24]);
        let one = of(&[4, 3, 2], &[plane("MASK", &[], &[4, 3])]).expect("found");
        assert_eq!(one.mask(0), one.mask(1));
        assert!(one.uncertainty(0).is_none());
    }

    #[test]
    fn junk_behind_the_data_is_no_companion() {
        let found = of(&[4, 3], &[b"EXTENSION= 'IMAGE' and nothing".to_vec()]).expect("found");
        assert!(found.mask(0).is_none());
    }

    #[test]
    fn an_extension_that_breaks_off_may_be_the_companion() {
        let fault = of(&[4, 3], &[b"XTENSION= 'IMAGE   '".to_vec()]).expect_err("refused");
        assert!(
            fault.starts_with("the header of its HDU 1 cannot be read"),
            "{fault}"
        );
    }
}
