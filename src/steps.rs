//! The steps of a calibration, and the cards by which a header says that one is done: ours, IRAF's and those of ccdproc.

use crate::header::{Keywords, Value};

/// One step of a calibration, in the order in which they are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Overscan,
    Trim,
    Deviation,
    Mask,
    Gain,
    Bias,
    Dark,
    Flat,
    Sky,
    Limits,
}

/// Which steps a header says are done. Masks and limits may be done twice, so nothing is said of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one a step, and every step is independent"
)]
pub(crate) struct Done {
    pub(crate) overscan: bool,
    pub(crate) trim: bool,
    pub(crate) deviation: bool,
    pub(crate) gain: bool,
    pub(crate) bias: bool,
    pub(crate) dark: bool,
    pub(crate) flat: bool,
    pub(crate) sky: bool,
}

impl Step {
    /// Every step, in the order in which they are done.
    const ALL: [Self; 10] = [
        Self::Overscan,
        Self::Trim,
        Self::Deviation,
        Self::Mask,
        Self::Gain,
        Self::Bias,
        Self::Dark,
        Self::Flat,
        Self::Sky,
        Self::Limits,
    ];

    /// What messages call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Overscan => "overscan",
            Self::Trim => "trim",
            Self::Deviation => "deviation",
            Self::Mask => "mask",
            Self::Gain => "gain",
            Self::Bias => "bias",
            Self::Dark => "dark",
            Self::Flat => "flat",
            Self::Sky => "sky",
            Self::Limits => "limits",
        }
    }

    /// The card that tells of it: that of IRAF where there is one.
    pub(crate) fn card(self) -> &'static str {
        match self {
            Self::Overscan => "OVERSCAN",
            Self::Trim => "TRIM",
            Self::Deviation => "DEVIATN",
            Self::Mask => "CALMASK",
            Self::Gain => "GAINCOR",
            Self::Bias => "ZEROCOR",
            Self::Dark => "DARKCOR",
            Self::Flat => "FLATCOR",
            Self::Sky => "SKYSUB",
            Self::Limits => "CALLIMIT",
        }
    }

    /// The card in which ccdproc tells of it, where that is another.
    fn ccdproc_card(self) -> Option<&'static str> {
        match self {
            Self::Overscan => Some("SUBOSCAN"),
            Self::Trim => Some("TRIMIM"),
            Self::Deviation => Some("CREATVAR"),
            Self::Bias => Some("SUBBIAS"),
            Self::Dark => Some("SUBDARK"),
            Self::Mask | Self::Gain | Self::Flat | Self::Sky | Self::Limits => None,
        }
    }

    /// The card by which a header says that the step is done.
    pub(crate) fn said_by(self, keywords: Keywords<'_>) -> Option<&'static str> {
        let cards = [Some(self.card()), self.ccdproc_card()];
        cards
            .into_iter()
            .flatten()
            .find(|card| says_done(keywords.value(card).as_ref()))
    }
}

/// Whether a keyword is that of a card that tells of a step.
pub(crate) fn is_step(keyword: &str) -> bool {
    Step::ALL
        .iter()
        .any(|step| step.card() == keyword || step.ccdproc_card() == Some(keyword))
}

/// Which steps a header says are done.
pub(crate) fn done(keywords: Keywords<'_>) -> Done {
    let said = |step: Step| step.said_by(keywords).is_some();
    Done {
        overscan: said(Step::Overscan),
        trim: said(Step::Trim),
        deviation: said(Step::Deviation),
        gain: said(Step::Gain),
        bias: said(Step::Bias),
        dark: said(Step::Dark),
        flat: said(Step::Flat),
        sky: said(Step::Sky),
    }
}

/// Whether the value of a card says that its step is done: it is T, or tells how it was done. A number does not (some cameras write
/// the columns of the overscan into OVERSCAN), nor does a bare section, nor a no.
pub(crate) fn says_done(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Logical(done)) => *done,
        None | Some(Value::Integer(_) | Value::Number(_)) => false,
        Some(Value::Text(text)) => {
            let text = text.trim().to_ascii_lowercase();
            let no = [
                "", "no", "n", "none", "false", "f", "omit", "omitted", "skipped", "perform",
                "undone",
            ];
            !no.contains(&text.as_str()) && !text.starts_with('[')
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::Header;

    fn header(cards: &[&str]) -> Header {
        let bytes: Vec<u8> = cards
            .iter()
            .flat_map(|card| format!("{card:80}").into_bytes())
            .collect();
        Header::from_bytes(&bytes)
    }

    fn done_by(cards: &[&str]) -> Done {
        done(Keywords {
            image: &header(cards),
            primary: None,
        })
    }

    #[test]
    fn a_header_without_such_cards_says_nothing() {
        assert_eq!(
            done_by(&["OBJECT  = 'flat'", "FLATCORR= 'COMPLETE'"]),
            Done::default()
        );
    }

    #[test]
    fn the_cards_of_iraf_and_of_ccdproc_are_known() {
        let iraf = done_by(&[
            "OVERSCAN= 'Mar  5 12:00 Overscan section is [1:5,*] with mean=99.'",
            "TRIM    = 'Mar  5 12:00 Trim data section is [6:9,1:4]'",
            "ZEROCOR = 'Mar  5 12:00 Zero level correction image is Zero'",
            "DARKCOR = 'Mar  5 12:00 Dark count correction image is D with scale=2.'",
            "FLATCOR = 'Mar  5 12:00 Flat field image is F with scale=9.'",
        ]);
        let ccdproc = done_by(&[
            "SUBOSCAN= 'ccd=<CCDData>, fits_section=[25:30,:]'",
            "TRIMIM  = 'ccd=<CCDData>'",
            "SUBBIAS = 'ccd=<CCDData>, master=<CCDData>'",
            "SUBDARK = 'ccd=<CCDData>, master=<CCDData>'",
            "FLATCOR = 'ccd=<CCDData>, flat=<CCDData>'",
        ]);
        let five = Done {
            overscan: true,
            trim: true,
            bias: true,
            dark: true,
            flat: true,
            ..Done::default()
        };
        assert_eq!((iraf, ccdproc), (five, five));
        let rest = done_by(&[
            "GAINCOR = 'ccd=<CCDData>, gain=1.5 electron / adu'",
            "CREATVAR= 'ccd_data=<CCDData>'",
            "SKYSUB  = T",
        ]);
        assert!(rest.gain && rest.deviation && rest.sky && !rest.flat);
    }

    #[test]
    fn a_number_a_section_and_a_no_say_nothing() {
        for value in [
            "32",
            "32.0",
            "F",
            "'no'",
            "'  '",
            "'NONE'",
            "'[2049:2080,1:2048]'",
            "'PERFORM'",
            "",
        ] {
            assert_eq!(
                done_by(&[&format!("OVERSCAN= {value}")]),
                Done::default(),
                "{value}"
            );
        }
    }

    #[test]
    fn the_primary_speaks_for_its_extensions_unless_they_speak_themselves() {
        let primary = header(&["FLATCOR = 'done'", "TRIM    = T"]);
        let image = header(&["TRIM    = F"]);
        let keywords = Keywords {
            image: &image,
            primary: Some(&primary),
        };
        assert_eq!(Step::Flat.said_by(keywords), Some("FLATCOR"));
        assert_eq!(Step::Trim.said_by(keywords), None);
    }
}
