//! The times at which the inputs of a task arrive on each processor, in a few numbers.
//!
//! This is only for equally connected processors, where a result arrives at the same time on all other processors.

/// The arrivals of those inputs of a task that are placed so far.
///
/// The processor that sends the last input has all inputs first, or all processors have them at the same time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrivals {
    /// The time at which the last input arrives on other processors; minus infinity without inputs.
    latest: f64,
    /// The processor that sends the last input.
    sender: usize,
    /// The time at which all inputs from this processor are computed.
    at_sender: f64,
    /// The time at which the last input from all other processors arrives.
    others: f64,
}

/// Stands for no processor.
const NONE: usize = usize::MAX;

impl Arrivals {
    pub(crate) const NONE: Self = Self {
        latest: f64::NEG_INFINITY,
        sender: NONE,
        at_sender: 0.0,
        others: 0.0,
    };

    /// Adds an input that `processor` computes until `finish`, and that takes `cost` to any other processor.
    ///
    /// The code has no branches, because the last input cannot be predicted, and a mispredicted branch takes longer
    /// than all of this.
    #[inline]
    pub(crate) fn add(&mut self, processor: usize, finish: f64, cost: f64) {
        let arrival = finish + cost;
        let is_from_sender = processor == self.sender;
        let is_last = arrival > self.latest;
        let others = later(self.others, earlier(self.latest, arrival));
        self.others = if is_from_sender { self.others } else { others };
        let at_new_sender = if is_last { finish } else { self.at_sender };
        self.at_sender = if is_from_sender {
            later(self.at_sender, finish)
        } else {
            at_new_sender
        };
        self.sender = if is_last { processor } else { self.sender };
        self.latest = if is_last { arrival } else { self.latest };
    }

    /// The processor that sends the last input; none without inputs.
    pub(crate) fn sender(&self) -> Option<usize> {
        (self.sender != NONE).then_some(self.sender)
    }

    /// The time at which all inputs are on `processor`.
    #[inline]
    pub(crate) fn ready_on(&self, processor: usize) -> f64 {
        if self.sender == processor {
            self.ready_on_sender()
        } else {
            self.ready_elsewhere()
        }
    }

    /// The earliest time at which all inputs are on one processor.
    #[inline]
    pub(crate) fn ready_on_sender(&self) -> f64 {
        later(self.at_sender, self.others)
    }

    /// The time at which all inputs are on any other processor.
    #[inline]
    pub(crate) fn ready_elsewhere(&self) -> f64 {
        later(self.latest, 0.0)
    }
}

/// The larger of two numbers, neither of which is a NaN. It takes one instruction, unlike [`f64::max`].
#[inline]
pub(crate) fn later(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

/// The smaller of two numbers, neither of which is a NaN.
#[inline]
pub(crate) fn earlier(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_a_look_at_every_input() {
        let mut random = fastrand::Rng::with_seed(5);
        for _ in 0..2000 {
            let mut arrivals = Arrivals::NONE;
            let mut inputs = Vec::new();
            for _ in 0..random.usize(..8) {
                let input = (
                    random.usize(..4),
                    f64::from(random.u8(..9)),
                    f64::from(random.u8(..6)),
                );
                inputs.push(input);
                arrivals.add(input.0, input.1, input.2);
                for processor in 0..4 {
                    let arrival = |&(from, finish, cost): &(usize, f64, f64)| {
                        finish + if from == processor { 0.0 } else { cost }
                    };
                    let ready = inputs.iter().map(arrival).fold(0.0, f64::max);
                    assert_eq!(arrivals.ready_on(processor), ready, "{inputs:?}");
                }
            }
            assert_eq!(arrivals.sender().is_none(), inputs.is_empty());
        }
    }
}
