//! Runs the simulation, and checks that it notices mistakes.

use super::check::Property;
use super::draw::Scope;
use super::hunt::{Hunt, enumerate};
use super::scenario::{Faults, Paces, Planned, Program, Scenario, Task};
use super::world::Sabotage;
use std::time::Duration;

/// A number that the environment may set.
fn setting(name: &str, usual: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.map_or(usual, |given| given.parse().expect("a number"))
}

/// Simulates scenarios. The environment may set their number and the first seed.
fn simulate(scope: Scope) {
    let hunt = Hunt {
        scope,
        properties: Property::ALL,
        sabotage: None,
    };
    let simulations = setting("AMPEG_SIMULATION_RUNS", 2_000);
    let seed = setting("AMPEG_SIMULATION_SEED", 1);
    if let Some(broke) = hunt.find(seed, simulations) {
        panic!("{}", hunt.shrink(broke));
    }
}

#[test]
fn pool_survives_all_faults_in_any_order() {
    simulate(Scope::ALL);
}

#[test]
fn lost_results_are_recovered_in_any_order() {
    simulate(Scope::LOSSES);
}

#[test]
fn pool_survives_deaths_in_any_order() {
    simulate(Scope::DEATHS);
}

/// Tries all orders of events in some tiny scenarios, with a limit on unusual choices.
#[test]
fn tiny_runs_survive_deaths_at_any_point() {
    let bound = setting("AMPEG_SIMULATION_RUNS", 2_000) / 5;
    let chain = [Task::new(&[], 0), Task::new(&[0], 1), Task::new(&[1], 0)];
    let diamond = [
        Task::new(&[], 0),
        Task::new(&[0], 1),
        Task::new(&[0], 0),
        Task::new(&[1, 2], 1),
    ];
    for tasks in [&chain[..], &diamond[..]] {
        let numbers: Vec<_> = (0..tasks.len()).collect();
        let scenario = Scenario {
            n_workers: 2,
            programs: vec![Program::new(tasks, &numbers, 2, Duration::ZERO)],
            runs: vec![Planned {
                program: 0,
                timeout: None,
            }],
            faults: Faults {
                deaths: 2,
                ..Faults::default()
            },
            has_backlogs: false,
            curse: None,
            paces: Paces::even(2),
        };
        for unusual in 1..=3 {
            match enumerate(&scenario, unusual, bound) {
                Ok((simulations, are_all)) => {
                    let extent = if are_all { "all" } else { "the first" };
                    println!(
                        "{extent} {simulations} orders with at most {unusual} unusual choices"
                    );
                }
                Err(found) => panic!("{found}"),
            }
        }
    }
}

#[test]
fn same_tape_leads_to_the_same_trace() {
    let hunt = Hunt {
        scope: Scope::ALL,
        properties: Property::ALL,
        sabotage: Some(Sabotage::LostValue),
    };
    for seed in 0..20 {
        let broke = hunt
            .find(100 * seed, 1_000)
            .expect("a lost value is noticed");
        assert_eq!(hunt.replay(broke.tape()), hunt.replay(broke.tape()));
    }
}
