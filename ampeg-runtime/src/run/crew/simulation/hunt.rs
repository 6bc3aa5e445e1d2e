//! Runs random simulations, or all simulations of a scenario, until one breaks a property. This simulation is
//! shrunk and printed.

use super::check::{Broken, Property, check};
use super::choices::{Choices, Tape};
use super::cluster::{Sim, with_world};
use super::draw::Scope;
use super::scenario::Scenario;
use super::shrink::shrink;
use super::trace;
use super::world::{Sabotage, World};
use crate::base::clock;
use crate::base::panics;
use crate::run::crew::{Bounds, Crew, Timeout};
use crate::testing::marks;
use std::fmt;
use std::mem::take;
use std::sync::Arc;

/// The number of lines of a trace that are printed.
const MOST_LINES: usize = 150;

/// The simulations to run, and the properties to check.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hunt<'a> {
    pub(super) scope: Scope,
    pub(super) properties: &'a [Property],
    pub(super) sabotage: Option<Sabotage>,
}

/// A simulation that has ended.
#[derive(Debug)]
struct Simulated {
    /// Everything that is wrong with the last run.
    broken: Vec<Broken>,
    choices: Choices,
    trace: Vec<String>,
}

/// A simulation that broke a property, and how to repeat it.
#[derive(Debug)]
pub(super) struct Broke {
    property: Property,
    seed: u64,
    /// The number of simulations until this one was found.
    simulations: u64,
    tape: Tape,
}

impl Broke {
    pub(super) fn tape(&self) -> &[Vec<u8>] {
        &self.tape
    }
}

/// The simplest simulation found that breaks a property.
#[derive(Debug)]
pub(super) struct Found {
    broken: Broken,
    seed: Option<u64>,
    /// The number of simulations until this one was found.
    simulations: u64,
    /// The length of the tape before it was shrunk.
    length: usize,
    tape: Tape,
    trace: Vec<String>,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (property, message) = &self.broken;
        writeln!(f, "{property:?} does not hold: {message}")?;
        write!(f, "found by simulation {}", self.simulations)?;
        if let Some(seed) = self.seed {
            write!(f, " (seed {seed})")?;
        }
        writeln!(
            f,
            ", whose tape of {} is now one of {}:",
            self.length,
            length(&self.tape)
        )?;
        writeln!(f, "{:?}", self.tape)?;
        let mut shown = self.trace.iter().take(MOST_LINES);
        shown.try_for_each(|line| writeln!(f, "  {line}"))?;
        // The end of a trace that repeats itself is not printed.
        match self.trace.len().saturating_sub(MOST_LINES) {
            0 => Ok(()),
            left_out => writeln!(f, "  and {left_out} more"),
        }
    }
}

impl Hunt<'_> {
    /// Simulates random scenarios, starting with this seed, until one breaks a property. Returns the tape that
    /// repeats it.
    pub(super) fn find(&self, seed: u64, simulations: u64) -> Option<Broke> {
        (0..simulations).find_map(|number| {
            let seed = seed.wrapping_add(number);
            let (broken, tape) = self.breaks(Choices::random(seed))?;
            Some(Broke {
                property: broken.0,
                seed,
                simulations: number + 1,
                tape,
            })
        })
    }

    /// The simplest simulation found that breaks the same property.
    pub(super) fn shrink(&self, broke: Broke) -> Found {
        let length = length(&broke.tape);
        let tape = shrink(broke.tape, |tape| {
            let (broken, made) = self.breaks(Choices::replay(tape))?;
            (broken.0 == broke.property).then_some(made)
        });
        let (broken, trace) = self.replay(&tape);
        let mut broken = broken.into_iter();
        let broken = broken.find(|(property, _)| *property == broke.property);
        Found {
            broken: broken.expect("it has been seen to break"),
            seed: Some(broke.seed),
            simulations: broke.simulations,
            length,
            tape,
            trace,
        }
    }

    /// Simulates the choices on a tape, with a trace.
    pub(super) fn replay(&self, tape: &[Vec<u8>]) -> (Vec<Broken>, Vec<String>) {
        let simulated = self.simulate(Choices::replay(tape), true);
        (simulated.broken, simulated.trace)
    }

    fn breaks(&self, choices: Choices) -> Option<(Broken, Tape)> {
        let simulated = self.simulate(choices, false);
        let tape = simulated.choices.to_tape();
        let mut broken = simulated.broken.into_iter();
        let broken = broken.find(|(property, _)| self.properties.contains(property));
        Some((broken?, tape))
    }

    fn simulate(&self, mut choices: Choices, is_traced: bool) -> Simulated {
        let scenario = Scenario::draw(&mut choices, &self.scope);
        simulate(&scenario, choices, self.sabotage, is_traced)
    }
}

/// Tries all orders of events of one scenario that have at most `most` choices other than the first option.
///
/// Returns the broken property, if one was found, or the number of simulations and whether these were all.
pub(super) fn enumerate(
    scenario: &Scenario,
    most: usize,
    bound: u64,
) -> Result<(u64, bool), Box<Found>> {
    let (mut tape, mut simulations) = (Tape::new(), 0);
    loop {
        simulations += 1;
        let simulated = simulate(scenario, Choices::replay(&tape), None, false);
        if let Some(broken) = simulated.broken.into_iter().next() {
            let simulated = simulate(scenario, Choices::replay(&tape), None, true);
            return Err(Box::new(Found {
                broken,
                seed: None,
                simulations,
                length: length(&tape),
                tape,
                trace: simulated.trace,
            }));
        }
        match simulated.choices.next_tape(most) {
            Some(_) if simulations == bound => return Ok((simulations, false)),
            Some(next) => tape = next,
            None => return Ok((simulations, true)),
        }
    }
}

/// Simulates the whole life of one pool.
fn simulate(
    scenario: &Scenario,
    choices: Choices,
    sabotage: Option<Sabotage>,
    is_traced: bool,
) -> Simulated {
    marks::forget();
    let mut world = World::new(scenario, choices, is_traced);
    world.sabotage = sabotage;
    let mut crew = Crew::new(Box::new(Sim::of(world)));
    let broken = panics::catch(|| run_all(&mut crew, scenario))
        .unwrap_or_else(|panic| vec![(Property::NoPanic, panic.to_string())]);
    drop(crew);
    clock::simulated::set(None);
    with_world(|world| Simulated {
        broken,
        choices: take(&mut world.choices),
        trace: world.trace.take().unwrap_or_default(),
    })
}

/// Simulates one run after another, until something is wrong with a run.
fn run_all(crew: &mut Crew, scenario: &Scenario) -> Vec<Broken> {
    for (number, &planned) in scenario.runs.iter().enumerate() {
        with_world(|world| {
            world.choices.begin_section();
            if number > 0 {
                world.pass_time();
            }
        });
        let program = &scenario.programs[planned.program];
        let run = crew.last_run + 1;
        let cancelled = with_world(|world| {
            world.note(|_| format!("run {run} begins: {program}"));
            world.begin_run(run, program);
            Arc::clone(&world.cancelled)
        });
        let deadline = planned.timeout.and_then(Timeout::begin);
        with_world(|world| world.record.is_out_of_time = deadline.is_some());
        let bounds = Bounds {
            deadline,
            cancelled: &cancelled,
            max_failures: None,
            prints: true,
        };
        let result = crew.run(program.definition(), &program.plan, None, bounds);
        let stuck = with_world(|world| {
            world.record.is_cancelled |= deadline.is_some_and(|it| clock::instant() >= it.end);
            let is_still = result.is_err() && world.is_still;
            let still = is_still.then(|| "nothing can happen any more".to_owned());
            world
                .stuck
                .take()
                .or_else(|| Some(still? + &trace::state(world)))
        });
        let broken = match (stuck, result) {
            (Some(how), _) => vec![(Property::Ends, how)],
            (None, Ok((results, log))) => {
                with_world(|world| check(program, &world.record, results, &log))
            }
            (None, Err(error)) => check_refusal(&error.to_string()),
        };
        // After a lost message, a pool runs nothing more.
        if !broken.is_empty() || with_world(|world| world.has_lost_message) {
            return broken;
        }
    }
    Vec::new()
}

/// A run may only return an error if a message was lost, or if time passed so fast that no progress was seen.
fn check_refusal(error: &str) -> Vec<Broken> {
    let has_reason = with_world(|world| world.has_lost_message || world.record.was_slow);
    if has_reason {
        return Vec::new();
    }
    let message = format!("the run gives no results: {error}");
    vec![(Property::GivesResults, message)]
}

fn length(tape: &[Vec<u8>]) -> usize {
    tape.iter().map(Vec::len).sum()
}
