//! From sums and differences back to numbers, level by level.

use super::{LINE, log2, smooth};

/// A power of two to which coefficients of a level are rounded, and what is added before.
#[derive(Clone, Copy)]
struct Rounding {
    bit: i64,
}

impl Rounding {
    fn new(exponent: u32) -> Self {
        Self { bit: 1 << exponent }
    }

    /// Rounds to a multiple of it.
    #[inline(always)]
    fn round(self, number: i64) -> i64 {
        let half = self.bit >> 1;
        // Below a bit of 1 nothing is rounded.
        let add = half - i64::from(number < 0 && half > 0);
        number.wrapping_add(add) & -self.bit
    }
}

/// What the coefficients of a level are rounded to, and by how many bits their sums are too large.
#[derive(Clone, Copy)]
struct Level {
    /// Of differences along one axis.
    single: Rounding,
    /// Of differences along both.
    double: Rounding,
    shift: u32,
}

/// Turns coefficients into the numbers that they are of, in place; `smoothing` is by how much smoothing may change a coefficient.
pub(super) fn transform(
    numbers: &mut [i64],
    (nrow, ncol): (usize, usize),
    smoothing: Option<i64>,
    moved: &mut [i64],
) {
    let depth = log2(nrow.max(ncol));
    numbers[0] = Rounding::new(depth + 1).round(numbers[0]);
    for level in (0..depth).rev() {
        // Lengths at this level: halved that often, rounded up.
        let shape = (nrow.div_ceil(1 << level), ncol.div_ceil(1 << level));
        for row in 0..shape.0 {
            interleave(&mut numbers[row * ncol..], shape.1, 1, 1, moved);
        }
        for col in (0..shape.1).step_by(LINE) {
            let width = LINE.min(shape.1 - col);
            interleave(&mut numbers[col..], shape.0, ncol, width, moved);
        }
        if let Some(most) = smoothing {
            smooth::smooth(numbers, shape, ncol, most);
        }
        let level = Level {
            single: Rounding::new(level + 1),
            double: Rounding::new(level),
            shift: if level == 0 { 2 } else { 1 },
        };
        add_up(numbers, shape, ncol, level);
    }
}

/// Brings the first half of `count` runs of `width` numbers, `pitch` apart, to the even places, and the second to the odd.
fn interleave(numbers: &mut [i64], count: usize, pitch: usize, width: usize, moved: &mut [i64]) {
    let half = count.div_ceil(2);
    for (to, run) in moved.chunks_exact_mut(width).zip(half..count) {
        to.copy_from_slice(&numbers[run * pitch..run * pitch + width]);
    }
    for run in (1..half).rev() {
        numbers.copy_within(run * pitch..run * pitch + width, 2 * run * pitch);
    }
    for (from, run) in moved.chunks_exact(width).zip((1..count).step_by(2)) {
        numbers[run * pitch..run * pitch + width].copy_from_slice(from);
    }
}

/// Makes of each four coefficients the four sums that they are of, in a corner of so many rows and columns.
fn add_up(numbers: &mut [i64], (nrow, ncol): (usize, usize), pitch: usize, level: Level) {
    let Level { single, .. } = level;
    let shift = level.shift;
    for row in (0..nrow).step_by(2) {
        let (above, below) = numbers[row * pitch..].split_at_mut(pitch);
        let above = &mut above[..ncol];
        if row + 1 < nrow {
            let below = &mut below[..ncol];
            for (above, below) in above.chunks_mut(2).zip(below.chunks_mut(2)) {
                match (above, below) {
                    ([h, y], [x, c]) => (*h, *y, *x, *c) = four([*h, *y, *x, *c], level),
                    ([h], [x]) => (*h, *x) = two(*h, *x, single, shift),
                    _ => {}
                }
            }
        } else {
            for above in above.chunks_mut(2) {
                match above {
                    [h, y] => (*h, *y) = two(*h, *y, single, shift),
                    [h] => *h >>= shift,
                    _ => {}
                }
            }
        }
    }
}

/// Four sums from the coefficients of a mean, of the differences along either axis, and along both.
#[inline(always)]
fn four([h, y, x, c]: [i64; 4], level: Level) -> (i64, i64, i64, i64) {
    let Level {
        single,
        double,
        shift,
    } = level;
    let (x, y, c) = (single.round(x), single.round(y), double.round(c));
    // The low bits of the differences are those of the mean too, and stand in one of them only.
    let low = c & double.bit;
    let toward = |number: i64| {
        if number >= 0 {
            number.wrapping_sub(low)
        } else {
            number.wrapping_add(low)
        }
    };
    let (x, y) = (toward(x), toward(y));
    let next = (c ^ x ^ y) & single.bit;
    let h = if h >= 0 {
        h.wrapping_add(low).wrapping_sub(next)
    } else if low == 0 {
        h.wrapping_add(next)
    } else {
        h.wrapping_add(low).wrapping_sub(next)
    };
    let sum = |a: i64, b: i64, c: i64| h.wrapping_add(a).wrapping_add(b).wrapping_add(c) >> shift;
    let (x, y, c) = (x, y, c);
    let minus = i64::wrapping_neg;
    (
        sum(minus(x), minus(y), c),
        sum(minus(x), y, minus(c)),
        sum(x, minus(y), minus(c)),
        sum(x, y, c),
    )
}

/// Two sums at an edge, from a mean and a difference.
#[inline(always)]
fn two(h: i64, d: i64, single: Rounding, shift: u32) -> (i64, i64) {
    let d = single.round(d);
    let low = d & single.bit;
    let h = if h >= 0 {
        h.wrapping_sub(low)
    } else {
        h.wrapping_add(low)
    };
    (h.wrapping_sub(d) >> shift, h.wrapping_add(d) >> shift)
}
