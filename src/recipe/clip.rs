//! The clip steps: what is rejected.

/// One clip step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Clip {
    /// Drops samples outside these bounds, in the units of the calibrated frames; the bounds are kept.
    Minmax {
        /// The lowest value that is kept; −∞ for no bound.
        low: f64,
        /// The highest value that is kept; +∞ for no bound.
        high: f64,
    },
    /// Drops so many of the lowest and highest present samples.
    Extrema {
        /// How many of the lowest.
        nlow: usize,
        /// How many of the highest.
        nhigh: usize,
    },
    /// Drops samples far from the centre of the pixel.
    Sigma(Sigma),
}

/// The parameters of a sigma clip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sigma {
    /// Samples below centre − low·σ go; +∞ for no bound.
    pub low: f64,
    /// Samples above centre + high·σ go; +∞ for no bound.
    pub high: f64,
    /// What distances are counted from.
    pub center: Center,
    /// What σ is.
    pub dev: Deviation,
    /// How often it is done, on what is left each time.
    pub iters: Iterations,
    /// σ is never taken below this.
    pub floor: f64,
}

/// The centre of a sigma clip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Center {
    #[default]
    Median,
    Mean,
}

/// The deviation of a sigma clip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deviation {
    /// 1.4826 · median|y − median|; where that is 0, √(π/2) · mean|y − median|.
    #[default]
    Mad,
    /// The standard deviation about the mean, ddof 0.
    Std,
}

/// How often a clip step is repeated on what it left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Iterations {
    /// At most so often.
    Times(u32),
    /// Until nothing changes.
    Converge,
}
