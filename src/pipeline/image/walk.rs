//! The walks of an image: its frames are measured, and combined.

use std::path::PathBuf;
use std::sync::Arc;

use super::Image;
use super::levels::Levels;
use crate::checksum::Sum;
use crate::error::{Error, Result};
use crate::kernel::Sample;
use crate::measure::Ranked;
use crate::pipeline::calibrating;
use crate::pipeline::corridor::{self, Rooms, Source, Times};
use crate::pipeline::journal::{self, Entry, ImageJournal, PlaneState};
use crate::pipeline::outcome::Walked;
use crate::pipeline::rejected::Made;
use crate::pipeline::strip::{Passes, Workshop};
use crate::pixels::{self, SampleType};
use crate::plan::Bands;
use crate::recipe::Calibration;
use crate::shape::Area;
use crate::sink::{FitsSink, Rejected};
use crate::stack::Tally;
use crate::tile::{Companion, Layout};
use crate::watch::{Walk, Watch};

impl Image<'_> {
    /// Measures, combines and writes the image.
    pub(in crate::pipeline) fn combine(
        mut self,
        pool: &rayon::ThreadPool,
        (sink, made, masks): (&mut FitsSink, &mut Made, &[PathBuf]),
        watch: &Watch,
        journal: ImageJournal<'_>,
    ) -> Result<Walked> {
        let done = journal.done();
        let times = match self.sample {
            SampleType::F32 => self.walk::<f32>(pool, sink, watch, journal),
            SampleType::F64 => self.walk::<f64>(pool, sink, watch, journal),
        }?;
        if !masks.is_empty() {
            let image = sink.rejected.as_ref().map_or(0, Rejected::last);
            // A run that is killed meanwhile has left masks: the next is to know that they are its own.
            journal.keep_now()?;
            self.make_masks((sink, image), (made, masks), watch)?;
        }
        let remark = self.calibrating.and_then(|found| found.flat_remark);
        Ok(Walked {
            remark,
            plan: self.plan,
            sample: self.sample,
            levels: self.used,
            tally: journal.tally(),
            times,
            resumed: done.npixel(),
        })
    }

    /// What the journal holds against what an earlier run has noted of this image.
    pub(in crate::pipeline) fn entry(&self) -> Entry {
        let (nstep, nframe) = (self.stack.nstep(), self.list.frames.len());
        Entry {
            inputs: journal::inputs(self.list, self.masters),
            npixel: self.region.npixel(),
            nplane: self.stack.planes.len() + usize::from(self.stack.around.told),
            tally: Tally::new(nstep, nframe),
            nstep,
            nframe,
        }
    }

    /// Both walks, as far as an earlier run has not made them.
    fn walk<T: Ranked + Sample>(
        &mut self,
        pool: &rayon::ThreadPool,
        sink: &mut FitsSink,
        watch: &Watch,
        journal: ImageJournal<'_>,
    ) -> Result<[Times; 3]> {
        let unpacking = (self.reader, &self.plan);
        self.packed
            .unpack(self.ground, self.grid, unpacking, watch)?;
        self.prepare::<T>(watch, journal)?;
        let measured = match self.survey() {
            None => Vec::new(),
            Some(survey) => {
                watch.begin(Walk::Measuring, survey.nbyte());
                let (threads, known) = (self.plan.measurers, Some(journal.levels()));
                survey.measure_once::<T>(self.reader, threads, watch, known)?
            }
        };
        let levels = self.levels(&measured)?;
        let scaling = levels
            .as_ref()
            .map_or_else(|| Arc::new([]) as _, Levels::scaling);
        self.stack.scale_by(scaling);
        if let Some(weights) = self.weights(&measured)? {
            self.stack.weights = Some(weights);
        }
        self.used = self.used(levels.as_ref());
        let first = self.lay_out(sink, journal)?;
        let shape = self.region.shape();
        let missing = journal.done().missing(shape.npixel());
        let whole = |run: std::ops::Range<usize>| {
            run.start.is_multiple_of(shape.ncol) && run.end.is_multiple_of(shape.ncol)
        };
        if self.stack.needs_rows() && !missing.iter().all(whole) {
            let what: String = "its state is damaged".into();
            return Err(Error::not_taken_up(sink.path(), what));
        }
        let all = self.plan.walks.last().copied().unwrap_or(0);
        watch.begin(Walk::Combining, part(all, missing.npixel(), shape.npixel()));
        let planes = &self.stack.planes;
        let widths = planes.iter().map(|(plane, pixel)| (*plane, pixel.nbyte()));
        let capacities = [self.plan.read_capacity(), self.plan.capacity()];
        let told = self.stack.told_nbyte();
        let layout = Layout::around(self.tile_planes(), widths.collect(), capacities, told);
        let passes = Passes::of(&self.stack);
        let rooms = Rooms {
            plan: &self.plan,
            bands: &Bands::new(&self.plan, &missing),
            workshop: Workshop {
                stack: &self.stack,
                calibrating: self.calibrating.as_ref(),
                mask_bits: self.recipe.calibration.mask_bits,
                passes: passes.as_ref(),
            },
            pool,
            watch,
        };
        let hdu_of = |plane| planes.iter().position(|(is, _)| *is == plane);
        corridor::walk::<T>(rooms, &Arc::new(layout), self, |tile, tally| {
            if let Some(rejected) = &mut sink.rejected {
                let at = tile.area().run(shape.ncol).start * told;
                rejected.write(rejected.last(), at as u64, tile.told())?;
            }
            for (plane, bytes) in tile.planes() {
                if let Some(index) = hdu_of(plane) {
                    sink.write(first + index, tile.area(), bytes)?;
                }
            }
            let beside = sink.rejected.as_ref();
            let beside = beside.map(|rejected| rejected.sum(rejected.last()));
            let sums = (first..first + planes.len()).map(|hdu| sink.sum(hdu));
            let sums = sums.chain(beside);
            journal.wrote(tile.area().run(shape.ncol), tally, sums)
        })
    }

    /// Gives the planes their places in the file, one behind the other; returns the number of the first.
    fn lay_out(&self, sink: &mut FitsSink, journal: ImageJournal<'_>) -> Result<usize> {
        let mut planes = Vec::new();
        let mut first = None;
        for (index, spec) in self.hdus().iter().enumerate() {
            let hdu = match journal.written(index) {
                Some(written) => sink.add_again(spec, written),
                None => sink.add(spec),
            }?;
            first.get_or_insert(hdu);
            planes.push(PlaneState {
                start: sink.start(hdu),
                nbyte: self.stack.planes[index].1.nbyte() as u64,
                sum: sink.sum(hdu).value(),
                beside: false,
            });
        }
        let told = self.stack.told_nbyte() as u64;
        if let Some(rejected) = &mut sink.rejected {
            let earlier = journal.written(planes.len());
            let sum = earlier.map_or_else(Sum::default, |earlier| earlier.sum);
            let image = rejected.add(told * self.region.npixel() as u64, sum)?;
            planes.push(PlaneState {
                start: rejected.start(image),
                nbyte: told,
                sum: sum.value(),
                beside: true,
            });
        }
        journal.lay(planes);
        Ok(first.unwrap_or(0))
    }

    /// Finds what calibration has to know.
    fn prepare<T: Ranked + Sample>(
        &mut self,
        watch: &Watch,
        journal: ImageJournal<'_>,
    ) -> Result<()> {
        let job = self.job();
        let mut calibrating = None;
        if job.calibrates() {
            let threads = self.plan.measurers.max(1);
            watch.begin(Walk::Measuring, 0);
            let mut found = job.prepare(self.reader, threads, watch)?;
            if let Some(survey) = self.sky_survey() {
                let work = (threads, watch);
                job.sky::<T>(survey, &mut found, self.reader, work, journal.sky())?;
            }
            calibrating = Some(found);
        }
        if *job.calibration != Calibration::default() {
            let section = self.recipe.stack.stats_section.as_ref();
            self.told = Some(job.told(calibrating.as_ref(), section)?);
        }
        self.calibrating = calibrating;
        Ok(())
    }
}

impl Source for Image<'_> {
    fn read(&self, plane: Companion, frame: usize, area: &Area, bytes: &mut [u8]) -> Result<()> {
        let area = self.within(area);
        let plane = match plane {
            Companion::BadPixels => return self.reader.read_bad_pixels(&area, bytes),
            Companion::Image => pixels::Companion::Image,
            Companion::Mask => pixels::Companion::Mask,
            Companion::Uncertainty(_) => pixels::Companion::Uncertainty,
            Companion::Master(..) => return calibrating::read(self.reader, plane, &area, bytes),
        };
        self.reader.read(frame, plane, &area, bytes)
    }

    fn within(&self, area: &Area) -> Area {
        let Area { rows, cols } = &self.region;
        Area {
            rows: area.rows.start + rows.start..area.rows.end + rows.start,
            cols: area.cols.start + cols.start..area.cols.end + cols.start,
        }
    }

    fn advise(&self, area: &Area) {
        let area = self.within(area);
        for frame in 0..self.list.frames.len() {
            self.reader.advise(frame, &area);
        }
    }
}

/// What this part of all is of so many bytes.
fn part(nbyte: u64, part: usize, all: usize) -> u64 {
    let nbyte = u128::from(nbyte) * part as u128 / all.max(1) as u128;
    u64::try_from(nbyte).unwrap_or(u64::MAX)
}
