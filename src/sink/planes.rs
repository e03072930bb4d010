//! The HDUs of one image, combined or calibrated: the values, and the planes beside them.

use super::{HduSpec, Pixels};
use crate::header::Card;
use crate::recipe::{PixelType, Plane};
use crate::shape::Shape;

/// Where an image stands in its file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place<'a> {
    /// The image is the primary; its planes are `MASK`, `UNCERT` and so on, as astropy's CCDData reads them.
    Primary,
    /// The image is an extension; its planes are `NAME_MASK`, `NAME_UNCERT` and so on.
    Extension {
        /// EXTNAME of the frames; `None` where they have none.
        name: Option<&'a str>,
        /// EXTVER of the frames.
        version: Option<i64>,
        /// The number of the HDU in the frames, which names what has no name.
        number: usize,
    },
}

/// The types of the pixels of an output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlaneTypes {
    /// Of the values.
    pub(crate) data: PixelType,
    /// Of their uncertainty: a float.
    pub(crate) uncertainty: PixelType,
}

/// The HDUs of `planes`, in their order, where `cards` is the header of the values.
///
/// Those of a calibrated frame are to come in the order data, uncertainty, mask: the mask is taken back by
/// [`FitsSink::drop_last`](super::FitsSink::drop_last) where no sample is masked.
pub(crate) fn plane_hdus(
    planes: &[Plane],
    types: PlaneTypes,
    shape: Shape,
    place: Place<'_>,
    cards: &[Card],
) -> Vec<HduSpec> {
    let (name, extver) = match place {
        Place::Primary => (None, None),
        Place::Extension {
            name,
            version,
            number,
        } => (
            Some(name.map_or_else(|| format!("HDU{number}"), str::to_owned)),
            version,
        ),
    };
    let unit = cards.iter().find(|card| card.name() == "BUNIT");
    let hdu = |plane: &Plane| {
        let count_name = count_name(*plane);
        let (suffix, dtype, cards) = match plane {
            Plane::Data => ("", types.data, cards.to_vec()),
            Plane::Mask => ("MASK", PixelType::U8, Vec::new()),
            Plane::Uncertainty => {
                let mut cards = Card::string(
                    "UTYPE",
                    "StdDevUncertainty",
                    "standard deviation of the values",
                );
                cards.extend(unit);
                ("UNCERT", types.uncertainty, cards)
            }
            _ => (count_name.as_str(), PixelType::I32, Vec::new()),
        };
        let data = *plane == Plane::Data;
        let extname = match (&name, data) {
            (name, true) => name.clone(),
            (None, false) => Some(suffix.to_owned()),
            (Some(name), false) => Some(format!("{name}_{suffix}")),
        };
        let blank = if data { dtype.blank() } else { None };
        HduSpec {
            extname,
            extver,
            pixels: Some(Pixels {
                dtype,
                shape,
                blank,
            }),
            cards,
        }
    };
    planes.iter().map(hdu).collect()
}

/// What a plane of counts is called: as it is typed, in upper case.
fn count_name(plane: Plane) -> String {
    plane.to_string().replace(':', "_").to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPES: PlaneTypes = PlaneTypes {
        data: PixelType::U16,
        uncertainty: PixelType::F32,
    };
    const SHAPE: Shape = Shape { nrow: 2, ncol: 3 };
    const PLANES: [Plane; 4] = [Plane::Data, Plane::Mask, Plane::Uncertainty, Plane::Count];

    fn names(place: Place<'_>) -> Vec<Option<String>> {
        plane_hdus(&PLANES, TYPES, SHAPE, place, &[])
            .into_iter()
            .map(|hdu| hdu.extname)
            .collect()
    }

    #[test]
    fn planes_are_named_as_ccddata_reads_them() {
        let name = |text: &str| Some(text.to_owned());
        assert_eq!(
            names(Place::Primary),
            [None, name("MASK"), name("UNCERT"), name("COUNT")]
        );
        let sci = Place::Extension {
            name: Some("SCI"),
            version: Some(2),
            number: 4,
        };
        assert_eq!(
            names(sci),
            [
                name("SCI"),
                name("SCI_MASK"),
                name("SCI_UNCERT"),
                name("SCI_COUNT")
            ]
        );
        let nameless = Place::Extension {
            name: None,
            version: None,
            number: 1,
        };
        assert_eq!(names(nameless)[1], name("HDU1_MASK"));
    }

    #[test]
    fn the_uncertainty_has_the_unit_of_the_values() {
        let cards = Card::string("BUNIT", "electron", "");
        let hdus = plane_hdus(&PLANES, TYPES, SHAPE, Place::Primary, &cards);
        assert!(hdus[2].cards.contains(&cards[0]));
        assert_eq!(hdus[1].cards, []);
        let keywords: Vec<&str> = hdus[2].cards.iter().map(Card::name).collect();
        assert_eq!(keywords, ["UTYPE", "BUNIT"]);
    }

    #[test]
    fn integer_images_have_a_blank_and_their_planes_none() {
        let hdus = plane_hdus(&PLANES, TYPES, SHAPE, Place::Primary, &[]);
        let pixels: Vec<_> = hdus.iter().filter_map(|hdu| hdu.pixels).collect();
        assert_eq!(
            (pixels[0].dtype, pixels[0].blank),
            (PixelType::U16, Some(32767))
        );
        assert_eq!((pixels[3].dtype, pixels[3].blank), (PixelType::I32, None));
        assert_eq!(
            (pixels[1].dtype, pixels[2].dtype),
            (PixelType::U8, PixelType::F32)
        );
    }
}
