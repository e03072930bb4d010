//! Whether the choices of a recipe go together.

mod calibration;

use super::{
    Clip, Compression, Iterations, Level, LevelTo, Method, Neighbours, Plane, Recipe, Sigma, Stack,
    Uncertainty, Weight,
};
use crate::error::{Error, Result};

impl Recipe {
    /// Checks that the choices go together.
    ///
    /// # Errors
    ///
    /// [`Error::Choice`] naming the flag of the choice that does not.
    pub fn check(&self) -> Result<()> {
        let stack = &self.stack;
        let refuse = |fault: &str| Err(Error::Choice(fault.into()));
        if self.resources.threads == 0 {
            return refuse("--threads 0: there must be at least one");
        }
        if !self.output.planes.contains(&Plane::Data) {
            return refuse("--planes: data must be among them");
        }
        let asked = self.output.planes.contains(&Plane::Uncertainty);
        if asked && stack.uncertainty == Uncertainty::None {
            return refuse("--planes asks for the uncertainty, but --uncertainty none makes none");
        }
        let method = stack.method;
        if stack.uncertainty == Uncertainty::Propagate && !method.has_uncertainty() {
            return refuse(&format!(
                "--uncertainty propagate: the uncertainty of --method {method} cannot be told; leave it out"
            ));
        }
        if asked && !method.has_uncertainty() {
            return refuse(&format!(
                "--planes asks for the uncertainty, but that of --method {method} cannot be told"
            ));
        }
        if matches!(method, Method::Quantile(at) if !(0.0..=1.0).contains(&at)) {
            return refuse("--method quantile: a part from 0 to 1");
        }
        let needs = [
            ("--weight ivar", stack.weight == Weight::InverseVariance),
            (
                "--uncertainty propagate",
                stack.uncertainty == Uncertainty::Propagate,
            ),
        ];
        if self.frames.uncertainty_hdu.is_none()
            && !self.calibration.may_bring_uncertainty()
            && let Some((flag, _)) = needs.into_iter().find(|(_, needed)| *needed)
        {
            return refuse(&format!(
                "{flag} needs the uncertainties of the frames, but --uncertainty-hdu none looks for none"
            ));
        }
        if matches!(stack.zero, Level::Mad | Level::MedianMad) {
            return refuse(&format!(
                "--zero {}: a spread is no zero, it is for --scale",
                stack.zero
            ));
        }
        let positive = |to: LevelTo| !matches!(to, LevelTo::Value(value) if !(value > 0.0 && value.is_finite()));
        if !positive(stack.scale_to) {
            return refuse("--scale-to: a positive number, first or mean");
        }
        if matches!(stack.zero_to, LevelTo::Value(value) if !value.is_finite()) {
            return refuse("--zero-to: a number, first or mean");
        }
        if matches!(&stack.weight, Weight::Values(weights) if !weights.iter().all(|w| *w >= 0.0 && w.is_finite()))
        {
            return refuse("--weight: weights are finite and not negative");
        }
        stack.clip.iter().try_for_each(Clip::check)?;
        self.check_neighbours()?;
        let settled = |clip: &Clip| clip.settled(&self.calibration, 0);
        let gainless = |clip: &Clip| clip.noise().is_some_and(|noise| noise.gain.is_none());
        if let Some(clip) = stack.clip.iter().map(settled).find(gainless) {
            return refuse(&format!(
                "--clip {clip} needs the gain, in electrons per unit of the samples: gain=GAIN takes it from that keyword of each frame, \
                 gain=1.5 is a number; after --gain samples are electrons, and it is 1"
            ));
        }
        self.output.compression.map_or(Ok(()), Compression::check)?;
        self.calibration.check(&self.frames)
    }
}

impl Recipe {
    /// Checks what is asked beside, and after, the clip steps.
    fn check_neighbours(&self) -> Result<()> {
        let Stack {
            clip, neighbours, ..
        } = &self.stack;
        if !neighbours.are_sound() {
            return Err(Error::Choice(format!(
                "--grow is a radius up to {}, --hole-fill a number of pixels up to {}",
                Neighbours::FARTHEST,
                Neighbours::LARGEST
            )));
        }
        let refused = [
            (neighbours.grow > 0.0, "--grow"),
            (neighbours.hole_fill > 0, "--hole-fill"),
        ];
        let asked = refused.into_iter().find(|(asked, _)| *asked);
        if let Some((_, flag)) = asked
            && !clip.iter().any(Clip::is_statistical)
        {
            return Err(Error::Choice(format!(
                "{flag} rejects neighbours of what a --clip step takes, and there is none but minmax; add one, such as --clip sigma:4"
            )));
        }
        if self.output.rejected.is_some() && clip.is_empty() {
            return Err(Error::Choice(
                "--rejected has nothing to tell: no --clip step rejects anything".into(),
            ));
        }
        let poisson = |step: &&Clip| matches!(step, Clip::Poisson(_));
        if clip.iter().filter(poisson).count() > 1 {
            return Err(Error::Choice(
                "--clip poisson can be given once: it repeats itself until nothing changes".into(),
            ));
        }
        Ok(())
    }
}

impl Clip {
    /// Checks that the numbers of the step make sense.
    fn check(&self) -> Result<()> {
        let sound = match *self {
            Self::Minmax { low, high } => low <= high,
            Self::Extrema { .. } | Self::Auto => true,
            Self::Ccd { factors, ref noise } => {
                factors.low > 0.0 && factors.high > 0.0 && noise.is_sound()
            }
            Self::Cr { high, ref noise } => high > 0.0 && noise.is_sound(),
            Self::Sigma(Sigma {
                low,
                high,
                iters,
                floor,
                ..
            }) => {
                low > 0.0
                    && high > 0.0
                    && floor >= 0.0
                    && floor.is_finite()
                    && iters != Iterations::Times(0)
            }
            Self::Percentile(factors)
            | Self::Winsorized(factors)
            | Self::MedianSigma(factors)
            | Self::LinearFit(factors)
            | Self::Poisson(factors) => factors.low > 0.0 && factors.high > 0.0,
            Self::Pclip { rank, factors } => {
                rank != 0.0 && rank.is_finite() && factors.low > 0.0 && factors.high > 0.0
            }
            Self::Esd { fraction, alpha } => {
                fraction > 0.0 && fraction <= 0.5 && alpha > 0.0 && alpha < 1.0
            }
            Self::Rcr { limit } => limit > 0.0 && limit <= 1.0,
        };
        if sound {
            return Ok(());
        }
        Err(Error::Choice(format!(
            "--clip {self}: bounds must be in order, LOW, HIGH, iters and gain positive, noise not below 0, parts between 0 and 1"
        )))
    }
}
