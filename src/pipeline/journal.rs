//! How far a run came, put on the disk while it goes on, so that it can be taken up when it was cut short.
//!
//! Whoever measures or writes notes it here, in memory. At most every few seconds a thread of its own waits until the pixels that are
//! noted are on their disk, and then replaces the state file: what the state tells is there, whatever happens next. Nobody else waits for
//! the disk.

mod begin;
mod state;

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};

use crate::checksum::Sum;
use crate::error::{Error, Result};
use crate::measure::Measured;
use crate::recipe::Choice;
use crate::runs::Runs;
use crate::sink::{Earlier, FitsSink, StateFile};
use crate::stack::Tally;

pub(super) use begin::{Begun, begin, finished, still_there};
use state::{ImageState, State, changed};
pub(super) use state::{Input, PlaneState, inputs, nbyte};

/// Bytes that a disk takes in no time: a run that is stopped waits for so many, not for more.
const FEW: u64 = 64 << 20;
/// The shortest time between two states.
const SHORTEST: Duration = Duration::from_millis(1);

/// The journal of a run.
#[derive(Debug)]
pub(super) struct Journal {
    file: StateFile,
    state: Mutex<State>,
    every: Duration,
    /// Images that the output will have.
    nimage: usize,
    /// When the state was written last.
    last: Mutex<Instant>,
    /// Whether something was noted since.
    changed: AtomicBool,
    /// Bytes that were written since the disk had them all.
    unsynced: AtomicU64,
    /// Whether a state stands on the disk.
    saved: AtomicBool,
    /// Whether the disk took all that it was asked to, and the frames are what they were.
    sound: AtomicBool,
    /// What it refused, for whoever notes something next.
    fault: Mutex<Option<Error>>,
}

/// What the image of a journal is held against.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) inputs: Vec<Input>,
    pub(super) npixel: usize,
    pub(super) nplane: usize,
    pub(super) tally: Tally,
    pub(super) nstep: usize,
    pub(super) nframe: usize,
}

impl Journal {
    fn new(
        sink: &FitsSink,
        state: State,
        every: Duration,
        nimage: usize,
        saved: bool,
    ) -> Result<Self> {
        Ok(Self {
            file: sink.state()?,
            state: Mutex::new(state),
            every: every.max(SHORTEST),
            nimage,
            last: Mutex::new(Instant::now()),
            changed: AtomicBool::new(false),
            unsynced: AtomicU64::new(0),
            saved: AtomicBool::new(saved),
            sound: AtomicBool::new(true),
            fault: Mutex::new(None),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("nobody panics with the state in hand")
    }

    /// Begins an image, or holds what is known of it against what there is now.
    ///
    /// # Errors
    ///
    /// [`Error::Output`] with what changed since.
    pub(super) fn enter(&self, image: usize, entry: Entry) -> Result<ImageJournal<'_>> {
        let mut state = self.state();
        match state.images.get(image) {
            None => {
                let begun = ImageState::new(entry.inputs, entry.npixel, entry.tally);
                state.images.push(begun);
            }
            Some(known) => {
                let counts = (entry.nstep, entry.nframe);
                let is_of = || known.is_of(entry.npixel, counts, entry.nplane);
                let what = changed(&known.inputs, &entry.inputs)
                    .or_else(|| (!is_of()).then(|| "its state is damaged".into()));
                if let Some(what) = what {
                    return Err(Error::not_taken_up(self.file.output(), what));
                }
            }
        }
        Ok(ImageJournal {
            journal: self,
            image,
        })
    }

    /// Does this, and writes the state meanwhile whenever it is time. `unchanged` says whether the frames are still what they were: what was
    /// made of others is never kept.
    ///
    /// # Errors
    ///
    /// Those of the work, and those of `unchanged` behind it.
    pub(super) fn during<R: Send>(
        &self,
        unchanged: impl Fn() -> Result<()> + Sync,
        work: impl FnOnce() -> Result<R>,
    ) -> Result<R> {
        let (ending, ended) = crossbeam_channel::bounded(0);
        let done = std::thread::scope(|scope| {
            scope.spawn(|| self.keep(&ended, &unchanged));
            let done = work();
            drop(ending);
            done
        });
        let unchanged = unchanged();
        self.sound.fetch_and(unchanged.is_ok(), Ordering::Relaxed);
        let done = done?;
        unchanged.map(|()| done)
    }

    /// Writes the state whenever it is time, until nobody is left at the other end.
    fn keep(&self, ended: &Receiver<()>, unchanged: &dyn Fn() -> Result<()>) {
        loop {
            let since = self
                .last
                .lock()
                .map_or(Duration::ZERO, |last| last.elapsed());
            match ended.recv_timeout(self.every.saturating_sub(since)) {
                Err(RecvTimeoutError::Timeout) => {}
                _ => return,
            }
            if self.changed.swap(false, Ordering::Relaxed)
                && let Err(error) = self.save(true, unchanged)
                && let Ok(mut fault) = self.fault.lock()
            {
                *fault = Some(error);
            }
            if let Ok(mut last) = self.last.lock() {
                *last = Instant::now();
            }
        }
    }

    /// Puts the state on the disk. Where there is no room for it, the one before stays.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the disk refuses the pixels, and those of `unchanged`.
    fn save(&self, synced: bool, unchanged: &dyn Fn() -> Result<()>) -> Result<()> {
        let unsynced = self.unsynced.swap(0, Ordering::Relaxed);
        // What is noted in the draft was written before, so that waiting for the disk from here on covers it.
        let draft = self.file.draft(&*self.state());
        let sync = || if synced { self.file.sync() } else { Ok(()) };
        if let Err(refused) = unchanged().and_then(|()| sync()) {
            self.file.withdraw();
            self.sound.store(false, Ordering::Relaxed);
            return Err(refused);
        }
        match draft.and_then(|draft| self.file.publish(&draft)) {
            Ok(()) => self.saved.store(true, Ordering::Relaxed),
            Err(refused) => {
                tracing::info!("the state of the run cannot be written: {refused}");
                self.file.withdraw();
                self.unsynced.fetch_add(unsynced, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// Notes on the disk how far the run came that ends here; returns whether it is worth taking up, and can be. Where nothing is
    /// written yet, it is worth it for what was measured, if whatever ended it was of no frame: passing.
    fn close(&self, passing: bool) -> bool {
        let is_worth = {
            let images = &self.state().images;
            let written = images.iter().any(|image| !image.done.is_empty());
            let measured = images.iter().any(|image| image.measured() > 0);
            written || measured && passing
        };
        if !is_worth {
            return false;
        }
        if self.sound.load(Ordering::Relaxed)
            && (self.changed.load(Ordering::Relaxed) || !self.is_saved())
        {
            let synced = self.unsynced.load(Ordering::Relaxed) <= FEW;
            // Refused pixels are no news to a run that has failed; the state before stands.
            let _ = self.save(synced, &|| Ok(()));
        }
        self.is_saved()
    }

    /// Notes that the packed form of the output, known to the system by this number, is about to get the name: a run that is killed
    /// then has ended.
    fn packed(&self, inode: Option<u64>) {
        self.state().packed = inode;
        if self.is_saved() {
            // Where it is refused, the next run finds an output that is there already.
            let _ = self.save(false, &|| Ok(()));
        }
    }

    /// The error of a run that can be taken up.
    fn interrupted(&self, source: Error) -> Error {
        Error::Interrupted {
            source: Box::new(source),
            done: self.progress(),
        }
    }

    /// Whether a state stands on the disk.
    fn is_saved(&self) -> bool {
        self.saved.load(Ordering::Relaxed)
    }

    /// How far the run came, in words.
    fn progress(&self) -> String {
        let state = self.state();
        let fraction = state.fraction(self.nimage);
        let last = state.images.last();
        match last.map(ImageState::measured) {
            Some(measured) if fraction == 0.0 => {
                let plural = if measured == 1 { " is" } else { "s are" };
                format!("{measured} frame{plural} measured")
            }
            _ => format!("{:.0} % of it is done", (100.0 * fraction).floor()),
        }
    }
}

/// The part of the journal on one image.
#[derive(Clone, Copy, Debug)]
pub(super) struct ImageJournal<'a> {
    journal: &'a Journal,
    image: usize,
}

impl<'a> ImageJournal<'a> {
    /// Reads or changes what is known of the image.
    fn with<R>(&self, look: impl FnOnce(&mut ImageState) -> R) -> R {
        look(&mut self.journal.state().images[self.image])
    }

    /// The measurements of the sky.
    pub(super) fn sky(self) -> Measurements<'a> {
        Measurements {
            journal: self,
            sky: true,
        }
    }

    /// The measurements of the levels.
    pub(super) fn levels(self) -> Measurements<'a> {
        Measurements {
            journal: self,
            sky: false,
        }
    }

    /// What an earlier run has written of a plane; `None` where it did not come so far.
    pub(super) fn written(&self, plane: usize) -> Option<Earlier> {
        self.with(|image| {
            let plane = image.planes.get(plane)?;
            Some(Earlier {
                npixel: image.done.npixel(),
                sum: plane.sum(),
            })
        })
    }

    /// Notes where the planes stand.
    pub(super) fn lay(&self, planes: Vec<PlaneState>) {
        self.with(|image| image.planes = planes);
    }

    /// The pixels that are done.
    pub(super) fn done(&self) -> Runs {
        self.with(|image| image.done.clone())
    }

    /// What they came to.
    pub(super) fn tally(&self) -> Tally {
        self.with(|image| image.tally.clone())
    }

    /// Puts what is noted on the disk, so that what comes now can be begun again.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the disk refuses what was written.
    pub(super) fn keep_now(&self) -> Result<()> {
        self.journal.changed.store(false, Ordering::Relaxed);
        self.journal.save(true, &|| Ok(()))
    }

    /// Notes that a run of pixels is written, what it came to, and the sums of the planes with it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the disk has refused pixels that were written before.
    pub(super) fn wrote(
        &self,
        run: Range<usize>,
        tally: &Tally,
        sums: impl Iterator<Item = Sum>,
    ) -> Result<()> {
        let nbyte = self.with(|image| {
            let npixel = run.len() as u64;
            image.done.insert(run);
            image.tally.merge(tally);
            for (plane, sum) in image.planes.iter_mut().zip(sums) {
                plane.sum = sum.value();
            }
            npixel * image.planes.iter().map(|plane| plane.nbyte).sum::<u64>()
        });
        self.journal.unsynced.fetch_add(nbyte, Ordering::Relaxed);
        self.journal.changed.store(true, Ordering::Relaxed);
        match self.journal.fault.lock() {
            Ok(mut fault) => fault.take().map_or(Ok(()), Err),
            Err(_) => Ok(()),
        }
    }
}

/// What is measured of the frames of an image, noted frame by frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measurements<'a> {
    journal: ImageJournal<'a>,
    sky: bool,
}

impl Measurements<'_> {
    fn list<'i>(&self, image: &'i mut ImageState) -> &'i mut Vec<Option<Measured>> {
        if self.sky {
            &mut image.sky
        } else {
            &mut image.levels
        }
    }

    /// What was measured of a frame.
    pub(super) fn known(&self, frame: usize) -> Option<Measured> {
        self.journal
            .with(|image| self.list(image).get(frame).copied().flatten())
    }

    /// Notes what was measured of one of so many frames.
    pub(super) fn note(&self, frame: usize, nframe: usize, measured: Measured) {
        self.journal.with(|image| {
            let list = self.list(image);
            list.resize(nframe, None);
            list[frame] = Some(measured);
        });
        self.journal.journal.changed.store(true, Ordering::Relaxed);
    }
}
