//! How the steps are told: cards and lines of HISTORY.

use super::{
    DarkFacts, DarkScale, DeviationFacts, Fact, FlatFacts, GainFacts, Limits, MaskFacts,
    MasterName, OverscanFacts, SkyFacts, StepCards, TrimFacts,
};
use crate::header::Card;
use crate::recipe::{FlatNorm, Negative};
use crate::shape::Area;
use crate::sink::entry::Entry;
use crate::sink::value::Value;
use crate::steps::Step;

/// The unit of a gain.
const ELECTRONS: &str = " electron/adu";

/// What a step is told as: the value of its card, and its line of HISTORY.
struct Told {
    step: Step,
    card: String,
    line: String,
}

impl StepCards {
    /// The steps that were done, in their order.
    fn told(&self) -> Vec<Told> {
        let told = |step, (card, line): (String, String)| Told { step, card, line };
        [
            self.overscan
                .as_ref()
                .map(|facts| told(Step::Overscan, overscan(facts))),
            self.trim
                .as_ref()
                .map(|facts| told(Step::Trim, trim(facts))),
            self.deviation
                .as_ref()
                .map(|facts| told(Step::Deviation, deviation(facts))),
            self.mask
                .as_ref()
                .map(|facts| told(Step::Mask, mask(facts))),
            self.gain
                .as_ref()
                .filter(|facts| !facts.last)
                .map(|facts| told(Step::Gain, gain(facts))),
            self.bias
                .as_ref()
                .map(|master| told(Step::Bias, bias(master))),
            self.dark
                .as_ref()
                .map(|facts| told(Step::Dark, dark(facts))),
            self.flat
                .as_ref()
                .map(|facts| told(Step::Flat, flat(facts))),
            self.gain
                .as_ref()
                .filter(|facts| facts.last)
                .map(|facts| told(Step::Gain, gain(facts))),
            self.sky.as_ref().map(|facts| told(Step::Sky, sky(facts))),
            self.limits
                .as_ref()
                .map(|limits| told(Step::Limits, limited(limits))),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// A card a step.
    pub(in crate::sink) fn cards(&self) -> impl Iterator<Item = Entry> {
        let entry = |told: Told| Entry::new(told.step.card(), Value::Text(told.card), "");
        self.told().into_iter().map(entry)
    }

    /// A line of HISTORY a step, and one for each that was skipped.
    pub(in crate::sink) fn history(&self) -> Vec<Card> {
        let version = env!("CARGO_PKG_VERSION");
        let skipped = self.skipped.iter().map(|skipped| {
            let frames = match (self.many, skipped.nframe) {
                (false, _) => String::new(),
                (true, 1) => " for 1 frame".into(),
                (true, nframe) => format!(" for {nframe} frames"),
            };
            format!(
                "{} skipped{frames}: {}",
                skipped.step.name(),
                skipped.reason
            )
        });
        self.told()
            .into_iter()
            .map(|told| told.line)
            .chain(skipped)
            .flat_map(|line| Card::commentary("HISTORY", &format!("ccdstream {version}: {line}")))
            .collect()
    }
}

impl Limits {
    /// What is done to values below and above, as it is typed.
    pub(in crate::sink) fn lines(&self) -> impl Iterator<Item = String> {
        let below = self.below.map(|beyond| format!("below {beyond}"));
        let above = self.above.map(|beyond| format!("above {beyond}"));
        below.into_iter().chain(above)
    }
}

impl MasterName {
    /// Its name with its DATASUM.
    fn summed(&self) -> String {
        match &self.datasum {
            Some(sum) => format!("{} (DATASUM {sum})", self.name),
            None => self.name.clone(),
        }
    }
}

fn overscan(facts: &OverscanFacts) -> (String, String) {
    let section = facts.section.told().map(section);
    let section = section.as_deref().unwrap_or("of each frame");
    let stat = facts.stat;
    let fit = facts.fit.map(|fit| format!("fit {fit}"));
    let clip = facts.clip.map(|clip| format!("clip {clip}"));
    let level = facts.level.told();
    let mean = level.map_or_else(String::new, |level| format!(" with mean={}", short(*level)));
    let level = level.map(|level| format!("mean level {level}"));
    let parts = [Some(format!("overscan {section} {stat}")), fit, clip, level];
    (
        format!("Overscan section is {section}{mean}"),
        format!("{}, subtracted", list(parts)),
    )
}

fn trim(facts: &TrimFacts) -> (String, String) {
    let section = facts.section.told().map(section);
    let section = section.as_deref().unwrap_or("of each frame");
    (
        format!("Trim data section is {section}"),
        format!(
            "trimmed to {section} of {} pixels",
            facts.untrimmed.to_string().replace('×', "x")
        ),
    )
}

fn deviation(facts: &DeviationFacts) -> (String, String) {
    let (gain, readnoise) = (
        own(&facts.gain, ELECTRONS),
        own(&facts.readnoise, " electron"),
    );
    let negative = match facts.negative {
        Negative::Readnoise => "that of 0",
        Negative::Mask => "masked",
    };
    (
        format!("Deviation is of gain {gain} and read noise {readnoise}"),
        format!(
            "deviation of photon and read noise, gain {gain}, read noise {readnoise}, negative samples {negative}"
        ),
    )
}

fn mask(facts: &MaskFacts) -> (String, String) {
    let bits = facts.bits.map(|bits| format!("bits {bits} of the mask"));
    let bad = facts.bad_pixels.as_ref();
    let told = |name: Option<String>| list([name, bits.clone()]);
    (
        format!("Masked by {}", told(bad.map(|bad| bad.name.clone()))),
        format!("masked by {}", told(bad.map(MasterName::summed))),
    )
}

fn gain(facts: &GainFacts) -> (String, String) {
    let gain = own(&facts.gain, ELECTRONS);
    let last = if facts.last { ", behind the flat" } else { "" };
    (
        format!("Gain is {gain}"),
        format!("multiplied by the gain, {gain}{last}"),
    )
}

fn bias(master: &MasterName) -> (String, String) {
    (
        format!("Zero level correction image is {}", master.name),
        format!("bias {} subtracted", master.summed()),
    )
}

fn dark(facts: &DarkFacts) -> (String, String) {
    let (name, summed) = (&facts.master.name, facts.master.summed());
    let (scaled, times) = match &facts.scale {
        None => (String::new(), String::new()),
        Some(DarkScale {
            k,
            exposure,
            dark_exposure,
        }) => match (k.told(), exposure.told()) {
            (Some(k), Some(exposure)) => (
                format!(" with scale={}", short(*k)),
                format!(
                    " times {k}, exposures {exposure} s of the frame and {dark_exposure} s of the dark,"
                ),
            ),
            _ => (
                String::new(),
                format!(" times the exposure of each frame over its own of {dark_exposure} s,"),
            ),
        },
    };
    (
        format!("Dark count correction image is {name}{scaled}"),
        format!("dark {summed}{times} subtracted"),
    )
}

fn flat(facts: &FlatFacts) -> (String, String) {
    let FlatFacts { master, norm, .. } = facts;
    let min = facts.min.map(|min| format!("at least {min}"));
    let by = match facts.norm_by {
        FlatNorm::Mean => ", its mean",
        FlatNorm::Median => ", its median",
        FlatNorm::Value(_) => "",
    };
    let place = facts
        .section
        .as_ref()
        .map_or_else(String::new, |section| format!(" in {section}"));
    let parts = [
        Some(format!("divided by flat {}", master.summed())),
        min,
        Some(format!("over {norm}{by}{place}")),
    ];
    (
        format!(
            "Flat field image is {} with scale={}",
            master.name,
            short(*norm)
        ),
        list(parts),
    )
}

fn sky(facts: &SkyFacts) -> (String, String) {
    let by = facts.sky;
    let place = facts
        .section
        .as_ref()
        .map_or_else(String::new, |section| format!(" of {section}"));
    let level = facts.level.told();
    let card = level.map_or_else(
        || format!("Sky is the {by} of each frame"),
        |level| format!("Sky is the {by}, {}", short(*level)),
    );
    (
        card,
        format!(
            "sky, {}, the {by}{place}, subtracted",
            own(&facts.level, "")
        ),
    )
}

fn limited(limits: &Limits) -> (String, String) {
    let lines: Vec<String> = limits.lines().collect();
    let lines = lines.join(", ");
    (format!("Values {lines}"), format!("values {lines}"))
}

/// The parts of a line that there are.
fn list<const N: usize>(parts: [Option<String>; N]) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// A number of all frames with its unit.
fn own(fact: &Fact<f64>, unit: &str) -> String {
    fact.told().map_or_else(
        || "of each frame".into(),
        |number| format!("{number}{unit}"),
    )
}

/// A number with as many digits as IRAF writes; all of them stand in HISTORY.
fn short(number: f64) -> f64 {
    format!("{number:.6e}").parse().unwrap_or(number)
}

/// An area as FITS writes it.
fn section(area: &Area) -> String {
    let Area { rows, cols } = area;
    format!(
        "[{}:{},{}:{}]",
        cols.start + 1,
        cols.end,
        rows.start + 1,
        rows.end
    )
}
