//! The way of single pixels: what the textbook decides.

use super::around::note_page;
use super::lanes::Lanes;
use super::textbook::{Page, Rules, Samples};
use super::{Scratch, StackRoom, Way};
use crate::kernel::Sample;
use crate::recipe::Family;

/// One pixel of every frame, and the page that works on it.
#[derive(Debug)]
pub(super) struct Column {
    x: Vec<f64>,
    pub(super) y: Vec<f64>,
    weight: Vec<f64>,
    deviation: Vec<f64>,
    pub(super) page: Page,
}

impl Column {
    /// Bytes a frame.
    pub(super) const NBYTE: usize = Page::NBYTE + 4 * size_of::<f64>();

    /// Room for a pixel of `nframe` frames.
    pub(super) fn new(nframe: usize) -> Self {
        let numbers = || vec![0.0; nframe];
        Self {
            x: numbers(),
            y: numbers(),
            weight: numbers(),
            deviation: numbers(),
            page: Page::new(nframe),
        }
    }
}

impl StackRoom {
    /// Takes one pixel through the textbook. What its steps took before `first` was told of already.
    pub(super) fn page<T: Sample>(
        &self,
        block: usize,
        lane: usize,
        first: usize,
        scratch: &mut Scratch<T>,
        lanes: &mut Lanes,
    ) {
        let Scratch {
            way,
            rows,
            unscaled,
            deviations,
            weights,
            column,
            tally,
            marks,
            lit,
            ..
        } = scratch;
        let whole = *way == Way::Page;
        let nhead = if whole { 0 } else { self.nhead() };
        let x = if whole { &*unscaled } else { &*rows };
        for frame in 0..self.nframe {
            let row = block * self.nframe + frame;
            column.x[frame] = x[row].0[lane].to_f64();
            column.y[frame] = rows[row].0[lane].to_f64();
            column.deviation[frame] = deviations.get(row).map_or(f64::NAN, |row| row.0[lane]);
            column.weight[frame] = match &self.weights {
                Some(frames) => frames[frame],
                None => weights.get(row).map_or(1.0, |row| row.0[lane]),
            };
        }
        let rules = Rules {
            clip: &self.clip[nhead..self.steps()],
            critical: &self.critical[nhead..self.steps()],
            light: lit[lane],
            nkeep: self.nkeep,
            method: self.method,
            uncertainty: self.uncertainty,
            ascending: self.way() == Way::Sorted,
        };
        let samples = Samples {
            x: &column.x,
            y: &column.y,
            weight: self.weighs().then_some(&column.weight),
            deviation: self.needs_deviation.then_some(&column.deviation),
        };
        let pixel = column.page.pixel(&rules, &samples);
        lanes.value[lane] = pixel.value;
        lanes.uncertainty[lane] = pixel.uncertainty;
        lanes.count[lane] = pixel.count;
        note_page(
            marks,
            (lane, self.nleading() - self.nleading().min(nhead)),
            column,
            rules.clip,
        );
        // What was taken before is known where no step is run any more.
        if self.steps() > 0 {
            lanes.forget_taken(lane);
        }
        for (frame, taken) in column.page.taken.iter().enumerate() {
            if let Some((step, low)) = *taken {
                let step = step as usize + nhead;
                lanes.take_one(Family::of(&self.clip[step]), lane, low);
                if step >= first {
                    tally.take(step, frame, low);
                }
            }
        }
    }
}
