//! How a run begins: afresh, where an interrupted one was cut short, or not at all, where it has ended already.

use super::state::State;
use super::{Choice, Journal};
use crate::error::{Error, Result};
use crate::pipeline::pack;
use crate::pipeline::rejected::Made;
use crate::recipe::{Compression, Output};
use crate::sink::{self, FitsSink, HiddenPart, Leftover};
use crate::summary::PackedSize;
use crate::units::ByteSize;
use crate::watch::{Walk, Watch};

/// An output that is begun, or taken up.
#[derive(Debug)]
pub(in crate::pipeline) struct Begun {
    pub(in crate::pipeline) sink: FitsSink,
    pub(in crate::pipeline) journal: Journal,
    /// The masks of rejected samples.
    pub(in crate::pipeline) made: Made,
    /// Whether nothing of it was taken up.
    pub(in crate::pipeline) fresh: bool,
    /// What the user should know of it.
    pub(in crate::pipeline) warning: Option<String>,
}

impl Begun {
    /// Gives the whole output its name, packed on so many threads if it is to be; returns what packing made of it.
    ///
    /// # Errors
    ///
    /// Those of the disk, and [`Error::Stopped`], after which it can be taken up.
    pub(in crate::pipeline) fn finish(
        mut self,
        compression: Option<Compression>,
        threads: usize,
        watch: &Watch,
    ) -> Result<Option<PackedSize>> {
        if let Err(error) = self
            .pack(compression, threads, watch)
            .and_then(|()| self.sink.settle())
        {
            return Err(self.cut_short(error));
        }
        let Self {
            mut sink,
            journal,
            made,
            ..
        } = self;
        let (plain, packed) = sink.lengths();
        if packed.is_some() {
            journal.packed(sink.packed_inode());
        }
        let (kept, output) = (sink.keep(journal.is_saved()), sink.path().to_owned());
        sink.name().map_err(|error| {
            if kept && sink::has_leftover(&output) {
                journal.interrupted(error)
            } else {
                error
            }
        })?;
        made.keep();
        Ok(packed.map(|packed| PackedSize {
            plain: ByteSize(plain),
            packed: ByteSize(packed),
        }))
    }

    /// Packs the output, if it is to be packed; what is noted of the plain one is put on the disk meanwhile.
    fn pack(
        &mut self,
        compression: Option<Compression>,
        threads: usize,
        watch: &Watch,
    ) -> Result<()> {
        let Some(compression) = compression else {
            return Ok(());
        };
        watch.begin(Walk::Packing, self.sink.lengths().0);
        let Self { sink, journal, .. } = self;
        journal.during(|| Ok(()), || pack::pack(sink, compression, threads, watch))
    }

    /// Keeps what is done, where that can be taken up, of a run that ends with this error.
    pub(in crate::pipeline) fn cut_short(mut self, error: Error) -> Error {
        let kept = match error {
            // What is there is as good as before, though not for this run.
            Error::NotTakenUp { .. } => {
                self.sink.keep(self.journal.is_saved());
                return error;
            }
            // It would end here again.
            Error::Misfit { .. } => false,
            // Most likely it would, with this frame: that is worth no state of its own, but what is on the disk stays.
            Error::Frame { .. } | Error::Damaged(_) => self.journal.is_saved(),
            Error::Stopped(_) | Error::Io { .. } => self.journal.close(true),
            _ => self.journal.close(false),
        };
        if self.sink.keep(kept) {
            self.journal.interrupted(error)
        } else {
            error
        }
    }
}

/// Ends a run that is to be taken up though it has come to its end, with [`Error::Finished`]; what it has left is cleared.
///
/// # Errors
///
/// That, and [`Error::Output`] where what has come to its end is not what is asked for now.
pub(in crate::pipeline) fn finished(output: &Output, recipe: &[Choice]) -> Result<()> {
    let path = &output.path;
    if !output.resume {
        return Ok(());
    }
    let inode = sink::inode(path);
    let is_that_of = |state: &State| inode.is_some() && state.inodes().contains(&inode);
    let finished = || {
        sink::forget(path);
        Err(Error::Finished { path: path.clone() })
    };
    match sink::leftover::<State>(path)? {
        // Where names are given by links, the hidden one may have outlived the other.
        Leftover::Part(part, _) if part.is(path) => {
            part.discard();
            finished()
        }
        // Of an output that is packed, the plain form is left; what is kept of it goes with the state.
        Leftover::Part(_, Some(state)) | Leftover::State(state) if is_that_of(&state) => {
            match state.asked_otherwise(recipe) {
                Some(what) => Err(Error::not_taken_up(path, what)),
                None => finished(),
            }
        }
        Leftover::None | Leftover::Part(_, None) if path.is_file() && !output.overwrite => {
            finished()
        }
        _ => Ok(()),
    }
}

/// Begins an output of so many images, or takes up an interrupted run of it.
///
/// # Errors
///
/// [`Error::Output`] where what is there cannot be replaced, or is of another recipe, and those of the disk.
pub(in crate::pipeline) fn begin(
    output: &Output,
    recipe: Vec<Choice>,
    nimage: usize,
    watch: &Watch,
) -> Result<Begun> {
    let begun = |mut sink: FitsSink, state, saved, warning| {
        if output.rejected.is_some() {
            sink.tell_rejected(saved)?;
        }
        Ok(Begun {
            made: Made::default(),
            fresh: !saved,
            journal: Journal::new(&sink, state, output.sync_every, nimage, saved)?,
            sink,
            warning,
        })
    };
    let mut warning = None;
    if output.resume
        && let Leftover::Part(part, state) = sink::leftover::<State>(&output.path)?
    {
        match state.filter(State::is_readable) {
            None => warning = Some("has left nothing that can be read"),
            Some(state) => {
                if let Some(what) = state.asked_otherwise(&recipe) {
                    return Err(Error::not_taken_up(&output.path, what));
                }
                match length(&part, &state, watch)? {
                    None => warning = Some("has left pixels that are not those it wrote"),
                    Some(length) => {
                        let percent = 100.0 * state.fraction(nimage);
                        tracing::info!("an interrupted run is taken up: {percent:.1} % is done");
                        let sink = FitsSink::take_up(&output.path, output.overwrite, part, length)?;
                        return begun(sink, state, true, None);
                    }
                }
            }
        }
    }
    let sink = FitsSink::create(&output.path, output.overwrite)?;
    let state = State::new(recipe, sink.inode()?);
    let warning = warning.map(|what| {
        let name = output.path.display();
        format!("{name}: its interrupted run {what}: this one starts afresh")
    });
    begun(sink, state, false, warning)
}

/// The error of a run that ended before it had taken up what an earlier one has done.
pub(in crate::pipeline) fn still_there(output: &Output, error: Error) -> Error {
    let passing = matches!(
        error,
        Error::Stopped(_) | Error::Io { .. } | Error::Frame { .. } | Error::LimitTooSmall { .. }
    );
    if passing && output.resume && sink::has_leftover(&output.path) {
        return Error::Interrupted {
            source: Box::new(error),
            done: "some of it is done".into(),
        };
    }
    error
}

/// How many bytes of a hidden file are of use; `None` where its pixels are not those that its state tells of: the disk may have lost what
/// it had promised to hold.
fn length(part: &HiddenPart, state: &State, watch: &Watch) -> Result<Option<u64>> {
    if part.inode()? != state.inode {
        return Ok(None);
    }
    let beside = part.beside()?;
    let mut length = 0;
    for image in &state.images {
        let Some(end) = image.end().filter(|_| image.is_sound()) else {
            return Ok(None);
        };
        for plane in &image.planes {
            let beside = beside.as_ref().filter(|_| plane.beside);
            if plane.beside && beside.is_none() {
                return Ok(None);
            }
            let pixels = (plane.start, plane.nbyte, beside);
            let sum = part.sum(pixels, &image.done, || watch.check())?;
            if sum != Some(plane.sum()) {
                return Ok(None);
            }
        }
        length = length.max(end);
    }
    Ok(Some(length))
}
