//! Turns: what is done by several threads in any order is entered in its own.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Something that changes turn by turn, from 0 on.
#[derive(Debug, Default)]
pub(super) struct Turns<T> {
    state: Mutex<State<T>>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct State<T> {
    next: usize,
    failed: bool,
    value: T,
}

/// A turn; where it is dropped without being taken, nobody behind it gets theirs.
#[derive(Debug)]
pub(super) struct Turn<'t, T> {
    turns: &'t Turns<T>,
    number: usize,
    taken: bool,
}

impl<T> Turns<T> {
    /// A turn, by its number.
    pub(super) fn of(&self, number: usize) -> Turn<'_, T> {
        Turn {
            turns: self,
            number,
            taken: false,
        }
    }

    /// What it has come to.
    pub(super) fn last(&self) -> T
    where
        T: Copy,
    {
        self.state().value
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Turn<'_, T> {
    /// Waits for those before it, and changes the value; `None` where one of them was dropped.
    pub(super) fn take<R>(mut self, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        let waits = |state: &mut State<T>| !state.failed && state.next != self.number;
        let state = self.turns.moved.wait_while(self.turns.state(), waits);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        if state.failed {
            return None;
        }
        let changed = change(&mut state.value);
        state.next += 1;
        drop(state);
        self.taken = true;
        self.turns.moved.notify_all();
        Some(changed)
    }
}

impl<T> Drop for Turn<'_, T> {
    fn drop(&mut self) {
        if !self.taken {
            self.turns.state().failed = true;
            self.turns.moved.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_come_in_order() {
        let turns: Turns<usize> = Turns::default();
        std::thread::scope(|scope| {
            for number in [3, 1, 2, 0] {
                let turn = turns.of(number);
                scope.spawn(move || turn.take(|value| *value = 10 * *value + number));
            }
        });
        assert_eq!(turns.last(), 123);
    }

    #[test]
    fn behind_a_turn_that_is_dropped_nobody_waits() {
        let turns: Turns<usize> = Turns::default();
        std::thread::scope(|scope| {
            let behind = turns.of(1);
            scope.spawn(move || assert_eq!(behind.take(|value| *value = 1), None));
            drop(turns.of(0));
        });
        assert_eq!(turns.last(), 0);
    }
}
