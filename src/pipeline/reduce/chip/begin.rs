//! Everything that is to be known of an image before its first pixel, and what is told of it behind the last.

use super::super::desk::{Shared, SharedDesk};
use super::super::{Run, lock};
use super::{Chip, Planes};
use crate::calibrate::OverscanLevels;
use crate::error::Result;
use crate::kernel::Sample;
use crate::measure::Ranked;
use crate::pipeline::calibrating::{
    self, Calibrating, Facts, Overscans, flat_norm, mean, sky_wanted, step_cards, steps,
};
use crate::pixels::SampleType;
use crate::recipe::Hdu;
use crate::shape::Area;
use crate::sink::FitsSink;
use crate::source::Reader;
use crate::summary::ReducedFrame;

/// An image whose steps are known, and whose file has room for its pixels.
#[derive(Debug)]
pub(in super::super) struct Begun<'a> {
    pub(super) chip: Chip<'a>,
    pub(super) reader: Reader<'a>,
    pub(super) calibrating: Calibrating<'a>,
    pub(super) planes: Planes,
}

impl<'a> Chip<'a> {
    /// Finds what the steps need, and adds the HDUs of the image to its file; `extension` is the HDU that it is of a multi-extension frame.
    pub(in super::super) fn begin(
        self,
        run: &'a Run<'_>,
        sink: &mut FitsSink,
        extension: Option<&Hdu>,
    ) -> Result<Begun<'a>> {
        let reader = run.ground.reader(self.list, self.masters)?;
        let (calibrating, facts) = self.prepare(run, &reader)?;
        let steps = &calibrating.steps[0];
        let told = step_cards(
            &self.recipe.calibration,
            self.masters,
            &facts,
            self.frame(),
            steps,
            true,
        );
        let planes = self.planes(sink, extension, self.deviates(steps), &told)?;
        Ok(Begun {
            chip: self,
            reader,
            calibrating,
            planes,
        })
    }

    /// What calibrates the frame, with what all frames of these masters share; a norm that another frame had measured is taken over.
    fn prepare(&self, run: &Run<'_>, reader: &Reader<'_>) -> Result<(Calibrating<'a>, Facts)> {
        let calibration = &self.recipe.calibration;
        let frame = self.frame();
        let key = self.masters.all();
        let key: Vec<_> = key
            .map(|(_, of)| (of.path.to_path_buf(), of.image.start))
            .collect();
        let (flat, facts) = {
            let mut known = lock(&run.known);
            if let Some(known) = known.get(&key) {
                known.clone()
            } else {
                let flat = calibration.flat.as_ref();
                let level =
                    flat.map(|flat| flat_norm(flat, self.masters, reader, self.width, run.watch));
                let level = level.transpose()?.unwrap_or_default();
                let bad_pixels = self.list.bad_pixels.as_ref().map(|mask| &*mask.path);
                let section = self.recipe.stats_section.as_ref();
                let facts = Facts::new(calibration, self.masters, bad_pixels, section, level.norm)?;
                known.insert(key, (level.clone(), facts.clone()));
                (level, facts)
            }
        };
        let levels = match &calibration.overscan {
            None => None,
            Some(overscan) => Overscans::new(overscan, calibration.mask_bits, self.width)
                .levels(reader, 0, frame, run.watch)?,
        };
        let raw = frame.raw.as_ref();
        let steps = raw.map(|raw| steps(calibration, self.masters, raw, levels));
        let mut calibrating = Calibrating {
            masters: self.masters,
            steps: vec![steps.unwrap_or_default()],
            flat_min: calibration.flat.as_ref().and_then(|flat| flat.min),
            flat_norm: flat.norm,
            flat_remark: flat.remark,
        };
        match frame.image.stored.sample_type() {
            SampleType::F32 => self.sky::<f32>(run, reader, &mut calibrating)?,
            SampleType::F64 => self.sky::<f64>(run, reader, &mut calibrating)?,
        }
        Ok((calibrating, facts))
    }

    fn sky<T: Ranked + Sample>(
        &self,
        run: &Run<'_>,
        reader: &Reader<'_>,
        calibrating: &mut Calibrating<'a>,
    ) -> Result<()> {
        let calibration = &self.recipe.calibration;
        let Some(wanted) = sky_wanted(calibration.sky) else {
            return Ok(());
        };
        let section = match &self.recipe.stats_section {
            Some(section) => section.within(self.list.shape, "--stats-section")?,
            None => self.list.shape.area(),
        };
        let done = self.frame().raw.as_ref().is_none_or(|raw| raw.done.sky);
        if !done {
            let survey = self.survey(&section, wanted, Some(calibrating));
            let measured = survey.measure::<T>(reader, 1, run.watch)?;
            let level = calibrating::sky_level(calibration.sky, &measured[0]);
            calibrating.steps[0].sky = Some(level);
        }
        Ok(())
    }
}

impl<'a> Begun<'a> {
    pub(in super::super) fn chip(&self) -> &Chip<'a> {
        &self.chip
    }

    /// Reads and prepares what this image shares of an area with the others of its masters.
    pub(in super::super) fn load<'d>(
        &self,
        desk: &'d mut SharedDesk,
        area: &Area,
    ) -> Result<Shared<'d>> {
        let Chip { list, width, .. } = self.chip;
        desk.load(&self.reader, list, &self.calibrating, width, area)
    }

    /// Checks that the frame and its masters are as they were when their headers were read.
    pub(in super::super) fn unchanged(&self) -> Result<()> {
        self.reader.unchanged()
    }

    /// Bytes that were read.
    pub(in super::super) fn bytes_read(&self) -> u64 {
        self.reader.bytes_read()
    }

    /// Whether the HDU that was added last is a mask that nobody asked for: it goes where no sample is masked.
    pub(in super::super) fn mask_may_go(&self) -> bool {
        self.planes.mask.is_some() && self.chip.recipe.folder.planes.is_none()
    }

    /// What is told of the image, of whose samples `nmasked` are masked.
    pub(in super::super) fn told(&self, nmasked: u64) -> ReducedFrame {
        let Chip { list, .. } = self.chip;
        let frame = self.chip.frame().name();
        let steps = &self.calibrating.steps[0];
        // Told with the frame, so without its name.
        let name = format!("{frame}: ");
        let notes = list.warnings.iter();
        let notes = notes.map(|note| note.strip_prefix(&name).unwrap_or(note).to_owned());
        let remark = self.calibrating.flat_remark.iter().filter(|_| steps.flat);
        ReducedFrame {
            frame,
            notes: notes.chain(remark.cloned()).collect(),
            pixels: list.shape.npixel() as u64,
            masked_pixels: nmasked,
            overscan_level: steps.overscan.as_ref().map(|levels| match levels {
                OverscanLevels::Rows(levels) | OverscanLevels::Columns(levels) => mean(levels),
            }),
            gain: steps.gain,
            dark_factor: steps.dark,
            sky: steps.sky,
            ..ReducedFrame::default()
        }
    }
}
