//! Everything that calibration has to know before the first sample of a stack, found frame by frame.

use super::{Calibrating, Facts, FlatLevel, Overscans, flat_norm, step_cards, steps};
use crate::error::Result;
use crate::kernel::{Sample, Width};
use crate::measure::{Measured, Ranked, Wanted};
use crate::pipeline::by_frame::by_frame;
use crate::pipeline::journal::Measurements;
use crate::pipeline::survey::Survey;
use crate::recipe::{Calibration, Sky};
use crate::shape::Section;
use crate::sink::StepCards;
use crate::source::{FrameList, Masters, Reader};
use crate::watch::{Walk, Watch};

/// The frames that are calibrated, and by what.
#[derive(Clone, Copy, Debug)]
pub(in crate::pipeline) struct Job<'a> {
    pub(in crate::pipeline) calibration: &'a Calibration,
    pub(in crate::pipeline) list: &'a FrameList,
    pub(in crate::pipeline) masters: &'a Masters,
    pub(in crate::pipeline) width: Width,
}

/// What is measured of the sky, if anything.
pub(in crate::pipeline) fn sky_wanted(sky: Sky) -> Option<Wanted> {
    match sky {
        Sky::None => None,
        Sky::Median => Some(Wanted {
            median: true,
            ..Wanted::default()
        }),
        Sky::Mode => Some(Wanted {
            mode: true,
            ..Wanted::default()
        }),
    }
}

/// The level of the sky that was measured.
pub(in crate::pipeline) fn sky_level(sky: Sky, measured: &Measured) -> f64 {
    if sky == Sky::Mode {
        measured.mode
    } else {
        measured.median
    }
}

impl<'a> Job<'a> {
    /// Whether any step changes samples.
    pub(in crate::pipeline) fn calibrates(&self) -> bool {
        self.list.frames.iter().any(|frame| frame.raw.is_some())
    }

    /// Finds the overscan of every frame and the norm of the flat.
    pub(in crate::pipeline) fn prepare(
        &self,
        reader: &Reader<'_>,
        threads: usize,
        watch: &Watch,
    ) -> Result<Calibrating<'a>> {
        let frames = &self.list.frames;
        let flat = match &self.calibration.flat {
            Some(flat) => flat_norm(flat, self.masters, reader, self.width, watch)?,
            None => FlatLevel::default(),
        };
        let levels = match &self.calibration.overscan {
            None => vec![None; frames.len()],
            Some(overscan) => by_frame(
                threads,
                frames.len(),
                || Overscans::new(overscan, self.calibration.mask_bits, self.width),
                |desk, frame| desk.levels(reader, frame, &frames[frame], watch),
            )?,
        };
        let steps = frames.iter().zip(levels).map(|(frame, levels)| {
            let raw = frame.raw.as_ref();
            raw.map(|raw| steps(self.calibration, self.masters, raw, levels))
                .unwrap_or_default()
        });
        Ok(Calibrating {
            masters: self.masters,
            steps: steps.collect(),
            flat_min: self.calibration.flat.as_ref().and_then(|flat| flat.min),
            flat_norm: flat.norm,
            flat_remark: flat.remark,
        })
    }

    /// Measures the sky of every frame from which it is to be subtracted, and adds it to the steps.
    pub(in crate::pipeline) fn sky<T: Ranked + Sample>(
        &self,
        survey: Survey<'_>,
        calibrating: &mut Calibrating<'a>,
        reader: &Reader<'_>,
        (threads, watch): (usize, &Watch),
        journal: Measurements<'_>,
    ) -> Result<()> {
        let Some(wanted) = sky_wanted(self.calibration.sky) else {
            return Ok(());
        };
        let survey = Survey {
            wanted,
            calibrating: Some(calibrating),
            ..survey
        };
        watch.begin(Walk::Measuring, survey.nbyte());
        let measured = survey.measure_once::<T>(reader, threads, watch, Some(journal))?;
        for ((steps, frame), measured) in calibrating
            .steps
            .iter_mut()
            .zip(&self.list.frames)
            .zip(&measured)
        {
            let done = frame.raw.as_ref().is_none_or(|raw| raw.done.sky);
            steps.sky = (!done).then(|| sky_level(self.calibration.sky, measured));
        }
        Ok(())
    }

    /// What is told of the steps of all frames.
    pub(in crate::pipeline) fn told(
        &self,
        calibrating: Option<&Calibrating<'_>>,
        sky_section: Option<&Section>,
    ) -> Result<StepCards> {
        let norm = calibrating.map_or(1.0, |calibrating| calibrating.flat_norm);
        let bad_pixels = self.list.bad_pixels.as_ref().map(|mask| &*mask.path);
        let facts = Facts::new(
            self.calibration,
            self.masters,
            bad_pixels,
            sky_section,
            norm,
        )?;
        let mut told: Option<StepCards> = None;
        for (index, frame) in self.list.frames.iter().enumerate() {
            let steps = calibrating.map(|calibrating| calibrating.steps[index].clone());
            let steps = steps.unwrap_or_default();
            let cards = step_cards(self.calibration, self.masters, &facts, frame, &steps, false);
            match &mut told {
                Some(told) => told.merge(&cards),
                none => *none = Some(cards),
            }
        }
        Ok(told.unwrap_or_default())
    }
}
