//! What the walks of a run came to, gathered into its summary.

use std::time::Duration;

use super::corridor::Times;
use crate::kernel::Width;
use crate::pixels::SampleType;
use crate::plan::Plan;
use crate::recipe::Recipe;
use crate::source::{FrameList, Reader};
use crate::stack::{NoiseGauge, Tally};
use crate::summary::{
    ClipCount, Memory, NeighbourCount, Noise, PackedSize, Reading, RoomTime, SkippedFrame, Summary,
    UsedLevel, WorstFrame,
};
use crate::sys;
use crate::units::ByteSize;

/// Frames that are named as the worst of a run, and of each of its steps.
const NWORST: usize = 10;
const NWORST_OF_STEP: usize = 3;

/// What the images of a run came to so far.
#[derive(Debug)]
pub(super) struct Outcome<'a> {
    recipe: &'a Recipe,
    images: Vec<Done>,
    pub(super) warnings: Vec<String>,
    /// Bytes of the output, plain and packed, where it is packed.
    pub(super) packed: Option<PackedSize>,
    /// The same for all images.
    skipped: Vec<SkippedFrame>,
    levels: Vec<UsedLevel>,
    times: [Times; 3],
    frame: NoiseGauge,
    result: NoiseGauge,
    page_tables: Option<ByteSize>,
}

/// What the walks of an image came to.
#[derive(Debug)]
pub(super) struct Walked {
    pub(super) plan: Plan,
    pub(super) sample: SampleType,
    /// What the user should know of the calibration.
    pub(super) remark: Option<String>,
    /// How the frames entered the stack.
    pub(super) levels: Vec<UsedLevel>,
    /// Counts, those of earlier runs among them.
    pub(super) tally: Tally,
    /// Of read, work and write.
    pub(super) times: [Times; 3],
    /// Pixels that an earlier run had done.
    pub(super) resumed: usize,
}

/// What one image came to.
#[derive(Debug)]
struct Done {
    plan: Plan,
    sample: SampleType,
    /// Samples taken on the low and high side, step by step.
    sides: Vec<(u64, u64)>,
    /// The frames that lost most: to each step, and in all.
    worst_of_steps: Vec<Vec<WorstFrame>>,
    worst: Vec<WorstFrame>,
    empty: u64,
    bytes: u64,
    /// Bytes that the frames and their companions have.
    once: u64,
    /// Pixels that an earlier run had done.
    resumed: u64,
}

impl<'a> Outcome<'a> {
    pub(super) fn new(recipe: &'a Recipe) -> Self {
        Self {
            recipe,
            images: Vec::new(),
            warnings: Vec::new(),
            packed: None,
            skipped: Vec::new(),
            levels: Vec::new(),
            times: [Times::default(); 3],
            frame: NoiseGauge::new(),
            result: NoiseGauge::new(),
            page_tables: None,
        }
    }

    /// Threads that the plans have room for where the output is packed.
    pub(super) fn packers(&self) -> usize {
        let plans = self.images.iter().map(|image| image.plan.packers);
        plans.min().unwrap_or(1).max(1)
    }

    /// Adds what the user should know.
    pub(super) fn warn(&mut self, warning: Option<String>) {
        self.warnings.extend(warning);
    }

    /// Adds an image.
    pub(super) fn add(&mut self, list: &FrameList, reader: &Reader<'_>, walked: Walked) {
        let Walked {
            plan,
            sample,
            remark,
            levels,
            tally,
            times,
            resumed,
        } = walked;
        let npixel = plan.shape.npixel() as u64;
        let (nstep, nframe) = (tally.low.len(), list.frames.len());
        let of_step =
            |step: usize| worst(list, tally.frames(step).to_vec(), npixel, NWORST_OF_STEP);
        let in_all = |frame: usize| (0..nstep).map(|step| tally.frames(step)[frame]).sum();
        let in_all = (0..nframe).map(in_all).collect();
        let warnings = plan.warnings.clone();
        self.images.push(Done {
            sample,
            sides: tally
                .low
                .iter()
                .copied()
                .zip(tally.high.iter().copied())
                .collect(),
            worst_of_steps: (0..nstep).map(of_step).collect(),
            worst: worst(list, in_all, npixel, NWORST),
            empty: tally.empty,
            bytes: reader.bytes_read(),
            once: plan.once(),
            resumed: resumed as u64,
            plan,
        });
        for (sum, times) in self.times.iter_mut().zip(times) {
            sum.add(times);
        }
        self.frame.merge(&tally.frame);
        self.result.merge(&tally.result);
        self.page_tables = self.page_tables.max(sys::page_tables());
        self.warnings.extend(list.warnings.iter().cloned());
        self.warnings.extend(reader.warning());
        self.warnings.extend(warnings);
        // `--hdu all` opens the same frames for each extension.
        self.warnings.dedup();
        self.warnings.extend(remark);
        self.levels.extend(levels);
        self.skipped.clone_from(&list.skipped);
    }

    /// Samples that a step took on the low side, or as neighbours.
    fn low(&self, step: usize) -> u64 {
        self.images.iter().map(|image| image.sides[step].0).sum()
    }

    /// The frames that lost most to it.
    fn worst_of(&self, step: usize) -> Vec<WorstFrame> {
        let of_images = self.images.iter();
        let frames = of_images.flat_map(|image| image.worst_of_steps[step].clone());
        most(frames, NWORST_OF_STEP)
    }

    /// A step as it was done; `auto` can be another in each image.
    fn step(&self, step: usize) -> String {
        let mut told: Vec<&str> = Vec::new();
        for image in &self.images {
            let step = image.plan.clip.get(step).map_or("", String::as_str);
            if !told.contains(&step) {
                told.push(step);
            }
        }
        told.join(" or ")
    }

    /// The summary of a run that took so long.
    pub(super) fn summary(self, elapsed: Duration) -> Summary {
        let plans = || self.images.iter().map(|image| &image.plan);
        let largest = plans()
            .max_by_key(|plan| plan.resident.0 + plan.reserve.0)
            .cloned()
            .unwrap_or_default();
        let first = plans().next().cloned().unwrap_or_default();
        let (bytes, once) = self.images.iter().fold((0, 0), |(bytes, once), image| {
            (bytes + image.bytes, once + image.once)
        });
        let clip: Vec<_> = self
            .recipe
            .stack
            .clip
            .iter()
            .enumerate()
            .map(|(step, _)| ClipCount {
                step: self.step(step),
                low: self.low(step),
                high: self.images.iter().map(|image| image.sides[step].1).sum(),
                worst_frames: self.worst_of(step),
            })
            .collect();
        let stack = &self.recipe.stack;
        let neighbours = stack.neighbours.steps().zip(stack.clip.len()..);
        let neighbours = neighbours.map(|(name, step)| NeighbourCount {
            step: name,
            taken: self.low(step),
            worst_frames: self.worst_of(step),
        });
        let neighbours: Vec<_> = neighbours.collect();
        let rooms = ["read", "work", "write"]
            .into_iter()
            .zip(self.times)
            .map(|(room, times)| RoomTime {
                room,
                busy: times.busy.as_secs_f64(),
                waited: times.waited.as_secs_f64(),
            });
        Summary {
            output: self.recipe.output.path.clone(),
            version: env!("CARGO_PKG_VERSION"),
            frames: first.frames,
            extensions: self.images.len(),
            shape: first.shape,
            sample_type: self
                .images
                .iter()
                .map(|image| image.sample)
                .max()
                .unwrap_or(SampleType::F32),
            packed: self.packed,
            skipped: self.skipped,
            pixels: plans().map(|plan| plan.shape.npixel() as u64).sum(),
            resumed_pixels: self.images.iter().map(|image| image.resumed).sum(),
            empty_pixels: self.images.iter().map(|image| image.empty).sum(),
            clip,
            neighbours,
            rejected: self.recipe.output.rejected.clone(),
            worst_frames: most(
                self.images.iter().flat_map(|image| image.worst.clone()),
                NWORST,
            ),
            levels: self.levels,
            noise: Noise {
                one_frame: self.frame.sigma(),
                result: self.result.sigma(),
            },
            memory: Memory {
                limit: self.recipe.resources.mem_limit,
                planned: largest.resident,
                reserve: largest.reserve,
                peak: sys::peak_resident(),
                page_tables: self.page_tables,
            },
            reading: Reading {
                bytes,
                passes: if once == 0 {
                    0.0
                } else {
                    bytes as f64 / once as f64
                },
                tiles: plans().map(|plan| plan.bands).sum(),
                tile_rows: first.tile_rows,
            },
            rooms: rooms.collect(),
            seconds: elapsed.as_secs_f64(),
            threads: self.recipe.resources.threads,
            vectors: Width::widest().to_string(),
            warnings: self.warnings,
        }
    }
}

/// The frames that lost most samples, worst first.
fn worst(list: &FrameList, taken: Vec<u64>, npixel: u64, most_of_all: usize) -> Vec<WorstFrame> {
    let mut frames: Vec<(usize, u64)> = taken
        .into_iter()
        .enumerate()
        .filter(|(_, taken)| *taken > 0)
        .collect();
    frames.sort_by_key(|&(frame, taken)| (std::cmp::Reverse(taken), frame));
    frames.truncate(most_of_all);
    let named = |(frame, rejected): (usize, u64)| WorstFrame {
        frame: list.frames[frame].name(),
        rejected,
        fraction: rejected as f64 / npixel as f64,
    };
    frames.into_iter().map(named).collect()
}

/// The worst of all images.
fn most(frames: impl Iterator<Item = WorstFrame>, most_of_all: usize) -> Vec<WorstFrame> {
    let mut frames: Vec<WorstFrame> = frames.collect();
    frames.sort_by_key(|frame| std::cmp::Reverse(frame.rejected));
    frames.truncate(most_of_all);
    frames
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_frames_come_first_and_ties_in_order() {
        let frame = |name: &str, rejected| WorstFrame {
            frame: name.into(),
            rejected,
            fraction: 0.0,
        };
        let names: Vec<String> = most(
            [frame("a", 1), frame("b", 5), frame("c", 5), frame("d", 3)].into_iter(),
            3,
        )
        .into_iter()
        .map(|frame| frame.frame)
        .collect();
        assert_eq!(names, ["b", "c", "d"]);
    }
}
