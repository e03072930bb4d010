//! Curves through the levels of lines, by least squares.

use nalgebra::{ColPivQR, DMatrix, DVector};

use super::Point;
use crate::recipe::Fit;

/// The functions whose sum, each times its coefficient, is a curve over the lines from first to last.
///
/// A polynomial has one best curve of its degree, however it is written: as powers, in Legendre's or in Chebyshev's polynomials.
/// All three are fitted in Legendre's, which hold apart best over evenly spaced lines.
#[derive(Clone, Copy, Debug)]
pub(super) struct Basis {
    functions: Functions,
    /// The last line; the curve runs from line 0 to it.
    last: f64,
}

/// What a curve is made of.
#[derive(Clone, Copy, Debug)]
enum Functions {
    /// Legendre polynomials, up to this degree.
    Legendre { degree: usize },
    /// Cubic B-splines over so many pieces of one length.
    Spline { npiece: usize },
}

impl Basis {
    /// The functions of a fit over `nline` lines.
    ///
    /// # Errors
    ///
    /// A spline of no pieces.
    pub(super) fn new(fit: Fit, nline: usize) -> Result<Self, String> {
        let functions = match fit {
            Fit::Polynomial(degree) | Fit::Legendre(degree) | Fit::Chebyshev(degree) => {
                Functions::Legendre { degree }
            }
            Fit::Spline(0) => return Err("--overscan-fit: a spline has at least 1 piece".into()),
            Fit::Spline(npiece) => Functions::Spline { npiece },
        };
        let last = nline.saturating_sub(1) as f64;
        Ok(Self { functions, last })
    }

    /// How many coefficients a curve has.
    pub(super) fn ncoefficient(&self) -> usize {
        match self.functions {
            Functions::Legendre { degree } => degree.saturating_add(1),
            Functions::Spline { npiece } => npiece.saturating_add(3),
        }
    }

    /// The curve with the least sum of squared differences from the points; `None` where more than one has it.
    ///
    /// There are at least as many points as coefficients.
    pub(super) fn through(self, points: &[Point]) -> Option<Curve> {
        let (npoint, n) = (points.len(), self.ncoefficient());
        let mut functions = vec![0.0; n];
        let mut design = DMatrix::zeros(npoint, n);
        for (row, point) in points.iter().enumerate() {
            self.evaluate(point.place, &mut functions);
            for (col, &function) in functions.iter().enumerate() {
                design[(row, col)] = function;
            }
        }
        let solver = ColPivQR::new(design);
        let triangle = solver.r();
        let tolerance = npoint as f64 * f64::EPSILON * triangle[(0, 0)].abs();
        if triangle
            .diagonal()
            .iter()
            .any(|pivot| pivot.abs() <= tolerance)
        {
            return None;
        }
        let mut right = DVector::from_iterator(npoint, points.iter().map(|point| point.level));
        solver.q_tr_mul(&mut right);
        let mut coefficients = right.rows(0, n).into_owned();
        triangle.solve_upper_triangular_mut(&mut coefficients);
        solver.p().inv_permute_rows(&mut coefficients);
        Some(Curve {
            basis: self,
            coefficients: coefficients.as_slice().to_vec(),
            functions,
        })
    }

    /// Each function at a line.
    fn evaluate(&self, place: usize, functions: &mut [f64]) {
        let share = if self.last > 0.0 {
            place as f64 / self.last
        } else {
            0.5
        };
        match self.functions {
            Functions::Legendre { .. } => legendre(2.0 * share - 1.0, functions),
            Functions::Spline { npiece } => spline(share * npiece as f64, npiece, functions),
        }
    }
}

/// Legendre polynomials at x from -1 to 1.
fn legendre(x: f64, functions: &mut [f64]) {
    let (mut before, mut this) = (0.0, 1.0);
    for (degree, function) in functions.iter_mut().enumerate() {
        *function = this;
        let k = degree as f64;
        (before, this) = (this, ((2.0 * k + 1.0) * x * this - k * before) / (k + 1.0));
    }
}

/// Cubic B-splines at t from 0 to `npiece`, one more at each whole number: four of them are not 0.
fn spline(t: f64, npiece: usize, functions: &mut [f64]) {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "t is from 0 to npiece"
    )]
    let piece = (t as usize).min(npiece - 1);
    let t = t - piece as f64;
    let rest = 1.0 - t;
    functions.fill(0.0);
    functions[piece..piece + 4].copy_from_slice(&[
        rest.powi(3) / 6.0,
        (4.0 - 3.0 * t * t * (2.0 - t)) / 6.0,
        (4.0 - 3.0 * rest * rest * (2.0 - rest)) / 6.0,
        t.powi(3) / 6.0,
    ]);
}

/// A curve over the lines.
#[derive(Debug)]
pub(super) struct Curve {
    basis: Basis,
    coefficients: Vec<f64>,
    /// Room for the functions at a line.
    functions: Vec<f64>,
}

impl Curve {
    /// The curve at a line.
    pub(super) fn at(&mut self, place: usize) -> f64 {
        self.basis.evaluate(place, &mut self.functions);
        let terms = self.coefficients.iter().zip(&self.functions);
        terms
            .map(|(coefficient, function)| coefficient * function)
            .sum()
    }
}
