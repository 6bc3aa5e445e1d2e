//! The source of all choices of a simulation: a tape of small numbers, which can be replayed, shrunk and enumerated.
//!
//! After the end of the tape, choices are random, or always the first option. The first option is the one that gives
//! the simplest simulation.

/// Choices, in sections. Each section after the first belongs to one run, so that runs can be cut out.
pub(super) type Tape = Vec<Vec<u8>>;

/// A source of choices, and a record of those that were made.
#[derive(Debug, Default)]
pub(super) struct Choices {
    tape: Tape,
    beyond: Option<fastrand::Rng>,
    /// By section.
    made: Vec<Vec<Made>>,
}

/// One choice that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Made {
    choice: u8,
    /// The number of options.
    options: u8,
}

impl Choices {
    /// Choices from a tape. After the end of each section, the first option is chosen.
    pub(super) fn replay(tape: &[Vec<u8>]) -> Self {
        Self {
            tape: tape.to_vec(),
            beyond: None,
            made: vec![Vec::new()],
        }
    }

    /// Random choices from a seed.
    pub(super) fn random(seed: u64) -> Self {
        Self {
            beyond: Some(fastrand::Rng::with_seed(seed)),
            ..Self::replay(&[])
        }
    }

    /// Continues with the next section of the tape.
    pub(super) fn begin_section(&mut self) {
        self.made.push(Vec::new());
    }

    /// The source of choices after the end of the tape; none if the first option is chosen there.
    pub(super) fn beyond_tape(&mut self) -> Option<&mut fastrand::Rng> {
        self.beyond.as_mut()
    }

    /// One of `n` options, with equal probability.
    pub(super) fn pick(&mut self, n: usize) -> usize {
        self.choose(n, |random| random.usize(0..n))
    }

    /// One of the options with these weights, with probabilities in proportion to the weights.
    pub(super) fn weighted(&mut self, weights: &[u32]) -> usize {
        self.choose(weights.len(), |random| {
            let mut left = random.u32(0..weights.iter().sum::<u32>().max(1));
            let is_here = |&weight: &u32| {
                let is_here = left < weight;
                left = left.saturating_sub(weight);
                is_here
            };
            weights.iter().position(is_here).unwrap_or(0)
        })
    }

    /// Makes one choice. A choice with only one option is not recorded.
    fn choose(&mut self, n: usize, draw: impl FnOnce(&mut fastrand::Rng) -> usize) -> usize {
        let options = u8::try_from(n).expect("few options");
        if options <= 1 {
            return 0;
        }
        let section = self.made.len() - 1;
        let place = self.made[section].len();
        let taped = self.tape.get(section).and_then(|tape| tape.get(place));
        let choice = match (taped, &mut self.beyond) {
            (Some(choice), _) => choice % options,
            (None, Some(random)) => u8::try_from(draw(random)).expect("one of few options"),
            (None, None) => 0,
        };
        self.made[section].push(Made { choice, options });
        usize::from(choice)
    }

    /// The tape that leads to the same choices. First options at the end of a section are left out.
    pub(super) fn to_tape(&self) -> Tape {
        let section = |made: &Vec<Made>| {
            let last = made.iter().rposition(|made| made.choice > 0);
            let made = &made[..last.map_or(0, |last| last + 1)];
            made.iter().map(|made| made.choice).collect()
        };
        self.made.iter().map(section).collect()
    }

    /// The next tape in a depth-first enumeration of all tapes that have at most `most` choices other than the first
    /// option; none at the end.
    pub(super) fn next_tape(&self, most: usize) -> Option<Tape> {
        let is_other = |made: &Made| made.choice > 0;
        let mut others = self
            .made
            .iter()
            .flatten()
            .filter(|made| is_other(made))
            .count();
        for (section, made) in self.made.iter().enumerate().rev() {
            for (place, last) in made.iter().enumerate().rev() {
                others -= usize::from(is_other(last));
                if last.choice + 1 < last.options && others < most {
                    let mut tape = self.to_tape();
                    tape.truncate(section);
                    let before = made[..place].iter().map(|made| made.choice);
                    tape.push(before.chain([last.choice + 1]).collect());
                    return Some(tape);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tape_leads_to_the_same_choices() {
        let mut choices = Choices::random(3);
        let draw = |choices: &mut Choices| {
            let drawn: Vec<_> = (1..40).map(|n| choices.pick(n)).collect();
            (drawn, choices.weighted(&[1, 0, 5]))
        };
        let first = draw(&mut choices);
        assert_ne!(first.1, 1);
        assert_eq!(draw(&mut Choices::replay(&choices.to_tape())), first);
    }

    #[test]
    fn every_tape_is_tried_once() {
        let all = |most| {
            let (mut tape, mut seen) = (Some(Tape::new()), Vec::new());
            while let Some(next) = tape {
                let mut choices = Choices::replay(&next);
                let first = choices.pick(2);
                choices.begin_section();
                let others: Vec<_> = (0..=first).map(|_| choices.pick(3)).collect();
                seen.push((first, others));
                tape = choices.next_tape(most);
            }
            let n_seen = seen.len();
            seen.sort();
            seen.dedup();
            assert_eq!(seen.len(), n_seen);
            n_seen
        };
        assert_eq!(all(9), 3 + 9);
        assert_eq!(all(1), 1 + 2 + 1);
        assert_eq!(all(0), 1);
    }
}
