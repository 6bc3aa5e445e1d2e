//! Simplifies a tape that leads to a failure: makes it shorter first, and then its numbers smaller.

use super::choices::Tape;

/// The largest number of tapes that are tried.
const ATTEMPTS: u32 = 8_000;

/// The simplest tape found for which `fails` returns a tape. `fails` returns the tape of the choices that were really
/// made.
pub(super) fn shrink(tape: Tape, fails: impl FnMut(&[Vec<u8>]) -> Option<Tape>) -> Tape {
    let mut shrinker = Shrinker {
        best: tape,
        attempts: ATTEMPTS,
        fails,
    };
    loop {
        let before = shrinker.best.clone();
        shrinker.cut_runs();
        for section in 0..shrinker.best.len() {
            for length in [64, 32, 16, 8, 4, 3, 2, 1] {
                shrinker.change_chunks(section, length, Vec::clear);
                shrinker.change_chunks(section, length, |chunk| chunk.fill(0));
            }
            shrinker.lower(section);
            shrinker.lower_and_cut(section);
        }
        shrinker.cut_tasks();
        if shrinker.best == before || shrinker.attempts == 0 {
            return shrinker.best;
        }
    }
}

struct Shrinker<F> {
    best: Tape,
    /// The number of attempts that are left.
    attempts: u32,
    fails: F,
}

impl<F: FnMut(&[Vec<u8>]) -> Option<Tape>> Shrinker<F> {
    /// Changes the tape, and keeps the change if the tape is simpler and still fails. Returns whether it kept the
    /// change.
    fn attempt(&mut self, change: impl FnOnce(&mut Tape)) -> bool {
        let mut candidate = self.best.clone();
        change(&mut candidate);
        if self.attempts == 0 || measure(&candidate) >= measure(&self.best) {
            return false;
        }
        self.attempts -= 1;
        let Some(made) = (self.fails)(&candidate) else {
            return false;
        };
        // The simulation may not have used the end of the tape.
        let is_simpler = measure(&made) < measure(&candidate);
        self.best = if is_simpler { made } else { candidate };
        true
    }

    /// Changes each chunk of a section, from the end to the start.
    fn change_chunks(&mut self, section: usize, length: usize, change: impl Fn(&mut Vec<u8>)) {
        let mut end = self.length(section);
        while end > 0 {
            let start = end.saturating_sub(length);
            let changed = self.attempt(|tape| {
                let mut chunk = tape[section][start..end].to_vec();
                change(&mut chunk);
                tape[section].splice(start..end, chunk);
            });
            // Overlapping chunks find more, but cost more. An overlap of one half is a compromise.
            end -= if changed {
                0
            } else {
                length.div_ceil(2).min(end)
            };
            end = end.min(self.length(section));
        }
    }

    /// Cuts out a run, with its choices in the first section.
    fn cut_runs(&mut self) {
        for run in (1..self.best.len()).rev() {
            for length in 1..=16 {
                for start in (1..(self.length(0) + 1).saturating_sub(length)).rev() {
                    let changed = self.attempt(|tape| {
                        tape.remove(run);
                        tape[0].drain(start..start + length);
                    });
                    if changed {
                        return;
                    }
                }
            }
        }
    }

    /// Cuts out some choices of the first section, together with some first options of a run, so that the rest of the
    /// run stays aligned.
    fn cut_tasks(&mut self) {
        for place in (0..self.length(0)).rev() {
            for length in 0..=6 {
                for run in 1..self.best.len() {
                    for shift in 1..=12 {
                        self.attempt(|tape| {
                            let end = (place + 1 + length).min(tape[0].len());
                            if length == 0 {
                                tape[0][place] = tape[0][place].saturating_sub(1);
                            } else {
                                tape[0].drain((place + 1).min(end)..end);
                            }
                            let zeros = tape[run].iter().take_while(|&&choice| choice == 0);
                            let shift = zeros.count().min(shift);
                            tape[run].drain(..shift);
                        });
                        if place >= self.length(0) {
                            return;
                        }
                    }
                }
            }
        }
    }

    /// Makes each number as small as possible.
    fn lower(&mut self, section: usize) {
        for place in (0..self.length(section)).rev() {
            let present = self.best[section].get(place).copied().unwrap_or(0);
            let _ = (0..present).any(|smaller| {
                place < self.length(section) && self.attempt(|tape| tape[section][place] = smaller)
            });
        }
    }

    /// Lowers each number and cuts out some numbers after it, because a smaller number may need fewer choices.
    fn lower_and_cut(&mut self, section: usize) {
        for place in (0..self.length(section)).rev() {
            for length in 1..=8 {
                let end = place + 1 + length;
                if end <= self.length(section) && self.best[section][place] > 0 {
                    self.attempt(|tape| {
                        tape[section][place] -= 1;
                        tape[section].drain(place + 1..end);
                    });
                }
            }
        }
    }

    fn length(&self, section: usize) -> usize {
        self.best.get(section).map_or(0, Vec::len)
    }
}

/// A key that is smaller for a simpler tape.
fn measure(tape: &[Vec<u8>]) -> (usize, Vec<u8>) {
    let numbers = tape.concat();
    (numbers.len() + tape.len(), numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unneeded_choices_are_removed() {
        // Needs a number of at least 3, and a number of at least 1 somewhere after it.
        let fails = |tape: &[Vec<u8>]| {
            let place = tape[0].iter().position(|&choice| choice >= 3)?;
            let mut behind = tape[0][place + 1..].iter();
            behind.any(|&choice| choice > 0).then(|| tape.to_vec())
        };
        let tape = vec![vec![0, 2, 7, 0, 0, 9, 1, 4, 0, 0, 2], vec![1, 0, 2]];
        assert_eq!(shrink(tape, fails), [vec![3, 1]]);
    }
}
