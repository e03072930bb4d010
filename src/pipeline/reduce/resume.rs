//! What an interrupted run over files has finished, and is not done again.

use super::{Done, File, Run};
use crate::checksum::digest;
use crate::error::{Error, Result};
use crate::pipeline::journal;
use crate::sink::{self, Ledger, Standing};
use crate::source::{FrameList, Masters};
use crate::summary::ReducedFrame;

/// What tells the files that an output is made of from others.
pub(super) fn made_of(images: &[(FrameList, Masters)]) -> u64 {
    let inputs = images
        .iter()
        .map(|(list, masters)| format!("{:?}", journal::inputs(list, masters)));
    let inputs: Vec<String> = inputs.collect();
    digest(inputs.iter().map(String::as_bytes))
}

/// Takes the files out of a run that an earlier one has finished, if it is to be taken up; returns the ledger of the folder, and for each
/// file what is told of it where it was finished.
///
/// # Errors
///
/// [`Error::Finished`] where all are and nobody remembers how, [`Error::Io`] where the folder refuses the ledger.
pub(super) fn take_up(run: &mut Run<'_>) -> Result<(Ledger, Vec<Option<Done>>)> {
    let folder = &run.recipe.folder;
    let recipe = run.recipe.deciding();
    let texts = recipe.iter().flat_map(|(flag, text)| [&**flag, &**text]);
    let ledger = Ledger::open(
        &folder.path,
        digest(texts.flat_map(|text| [text.as_bytes(), b"\0"])),
        folder.resume,
    )?;
    let are_there = || run.files.iter().all(|file| file.output.is_file());
    if folder.resume && !folder.overwrite && ledger.count() == 0 && are_there() {
        return Err(Error::Finished {
            path: folder.path.clone(),
        });
    }
    let mut finished = Vec::with_capacity(run.files.len());
    let mut left = Vec::new();
    for mut file in std::mem::take(&mut run.files) {
        run.watch.check()?;
        match ledger.standing(&file.output, file.made_of) {
            Standing::Finished if file.fault.is_none() => {
                if folder.compression.is_some() {
                    sink::clear(&file.output);
                }
                run.ground.unpacked.release(&file.named.path);
                finished.push(Some(file.told_before()));
                continue;
            }
            Standing::Outdated if file.fault.is_none() && !folder.overwrite => {
                file.fault = Some(
                    "was changed since an interrupted run has calibrated it; replace its output with --overwrite".into(),
                );
            }
            Standing::Broken => file.is_broken = true,
            _ => {}
        }
        finished.push(None);
        left.push(file);
    }
    run.files = left;
    Ok((ledger, finished))
}

/// What is told of all files, in their order.
pub(super) fn in_order(finished: Vec<Option<Done>>, done: Vec<Done>) -> Vec<Done> {
    let mut done = done.into_iter();
    let each = finished
        .into_iter()
        .map(|told| told.or_else(|| done.next()));
    each.flatten().collect()
}

impl File {
    fn told_before(&self) -> Done {
        Done {
            frames: vec![ReducedFrame {
                frame: self.named.path.display().to_string(),
                output: Some(self.output.clone()),
                notes: vec!["was calibrated by an earlier run".into()],
                ..ReducedFrame::default()
            }],
            bytes: 0,
        }
    }
}
