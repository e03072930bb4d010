//! The clip steps as they are done on the frames of an image: `auto` chosen, noise looked up, what could take nothing refused.

use super::{keyed, keywords};
use crate::error::{Error, Result};
use crate::recipe::{Clip, DetectorNoise, Quantity, Recipe, Sky};
use crate::source::FrameList;
use crate::stack::{Critical, Detector};

/// The steps of the recipe on so many frames.
pub(super) fn settled(recipe: &Recipe, nframe: usize) -> Vec<Clip> {
    let steps = recipe.stack.clip.iter();
    steps
        .map(|step| step.settled(&recipe.calibration, nframe))
        .collect()
}

/// Refuses steps that could take nothing of so few frames.
pub(super) fn enough(clip: &[Clip], nframe: usize) -> Result<()> {
    let Some(step) = clip.iter().find(|step| step.fewest() > nframe) else {
        return Ok(());
    };
    let instead = match nframe {
        1 => "leave it out",
        2 => {
            "minmax:LO,HI can, and cr:HIGH,gain=,rdnoise= with the noise of the detector; auto takes the rule that the number of frames \
             asks for"
        }
        _ => "auto takes the rule that the number of frames asks for",
    };
    Err(Error::frame(
        format!("--clip {step}"),
        format!(
            "needs {} frames at least to take anything, and there are {nframe}; {instead}",
            step.fewest()
        ),
    ))
}

/// What each step compares with.
pub(super) fn critical(recipe: &Recipe, clip: &[Clip], list: &FrameList) -> Result<Vec<Critical>> {
    let nframe = list.frames.len();
    let critical = |clip: &Clip| match clip.noise() {
        None => Ok(Critical::new(clip, nframe)),
        Some(noise) => detectors(recipe, clip, noise, list).map(Critical::of_noise),
    };
    clip.iter().map(critical).collect()
}

/// The noise of each frame.
fn detectors(
    recipe: &Recipe,
    clip: &Clip,
    noise: &DetectorNoise,
    list: &FrameList,
) -> Result<Vec<Detector>> {
    let text = clip.to_string();
    let step = text.split(':').next().unwrap_or_default();
    let known = keywords(recipe);
    let numbers = |(name, quantity): (&str, Option<&Quantity>)| match quantity {
        None => Ok(vec![1.0; list.frames.len()]),
        Some(Quantity::Number(number)) => Ok(vec![*number; list.frames.len()]),
        Some(Quantity::Keyword(keyword)) => {
            let index = known.iter().position(|known| known == keyword);
            let flag = format!("--clip {step} with {name}={keyword}");
            let numbers = keyed(&list.frames, &flag, keyword, index.unwrap_or(usize::MAX))?;
            let sound = |number: f64| number.is_finite() && number >= 0.0;
            let sound = |number: f64| sound(number) && (name != "gain" || number > 0.0);
            let frames = list.frames.iter().zip(&numbers);
            if let Some((frame, number)) = frames.into_iter().find(|(_, number)| !sound(**number)) {
                let rule = if name == "gain" { "above" } else { "not below" };
                return Err(Error::frame(
                    frame.name(),
                    format!(
                        "its {keyword}, which {flag} asks for, is {number}; it has to be {rule} 0"
                    ),
                ));
            }
            Ok(numbers)
        }
    };
    let [gain, readnoise, sensitivity] = noise.parts().map(numbers);
    let (gain, readnoise, sensitivity) = (gain?, readnoise?, sensitivity?);
    let frames = gain.into_iter().zip(readnoise).zip(sensitivity);
    Ok(frames
        .map(|((gain, readnoise), sensitivity)| Detector {
            gain,
            readnoise,
            sensitivity,
        })
        .collect())
}

/// What the user should know of the steps on so many frames.
pub(in crate::pipeline) fn remarks(recipe: &Recipe, clip: &[Clip], nframe: usize) -> Vec<String> {
    let blind = clip.iter().filter_map(|step| {
        let from = step.sees_from().filter(|from| *from > nframe)?;
        Some(format!(
            "--clip {step}: of {nframe} frames one outlier is never taken, however far away, for it makes the deviation that it is \
             measured by; from {from} frames on it can be. See docs/rejection.md, or take --clip auto"
        ))
    });
    let asked = recipe.stack.clip.iter().zip(clip);
    let nothing = asked.filter(|(asked, step)| **asked == Clip::Auto && **step == Clip::Auto);
    let nothing = nothing.map(|_| {
        let help = if nframe == 2 {
            ": of two samples that differ nothing tells which is right. --clip cr:5,gain=GAIN,rdnoise=RDNOISE can, by the noise of the detector"
        } else {
            ""
        };
        format!("--clip auto takes nothing of {nframe} frames{help}")
    });
    let electrons = recipe.calibration.gain.is_some();
    let counts =
        asked_noise(recipe).filter(|(_, gain)| electrons && **gain != Quantity::Number(1.0));
    let twice = counts.map(|(step, gain)| {
        format!(
            "--clip {step}: --gain has made electrons of the samples, of which gain={gain} is counted once more; leave gain= out"
        )
    });
    let skyless = clip
        .iter()
        .filter(|step| step.noise().is_some() && recipe.calibration.sky != Sky::None);
    let skyless = skyless.map(|step| {
        format!(
            "--clip {step}: --sky takes light away whose noise stays, so that the rule takes too much; --zero instead of --sky is known to it"
        )
    });
    blind.chain(nothing).chain(twice).chain(skyless).collect()
}

/// The steps that go by noise and name a gain, with that.
fn asked_noise(recipe: &Recipe) -> impl Iterator<Item = (&Clip, &Quantity)> {
    let steps = recipe.stack.clip.iter();
    steps.filter_map(|step| Some((step, step.noise()?.gain.as_ref()?)))
}
