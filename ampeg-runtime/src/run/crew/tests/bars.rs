//! Requirements on the engine while workers are killed again and again.
//!
//! These tests take minutes and must be run by name: see CONTRIBUTING.md.

use super::faulty::Faulty;
use super::outside::{Blow, Outside, Weather};
use super::traces::Traces;
use super::{Crew, bounds_of, run};
use crate::definition::Limits;
use crate::plan::Plan;
use crate::plan::retry::Retry;
use crate::testing::{
    Action, Deadline, Node, alone, expected, random_costs, random_nodes, with_limits,
};
use ampeg_schedule::{Policy, Processors, Scheduler as _};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

const TASKS: usize = 40;
/// The bytes of each result.
const SIZE: usize = 160_000;
/// The numbers of workers in the pools.
const WORKERS: [usize; 4] = [2, 3, 4, 8];
const RUN_TIME: Duration = Duration::from_secs(60);

#[test]
#[ignore = "takes minutes"]
fn kills_every_50_ms_cost_nothing() {
    alone(
        module_path!(),
        "kills_every_50_ms_cost_nothing",
        &[],
        || {
            bear(Duration::from_millis(50), 200);
        },
    );
}

#[test]
#[ignore = "takes minutes"]
fn kills_every_20_ms_cost_nothing() {
    alone(
        module_path!(),
        "kills_every_20_ms_cost_nothing",
        &[],
        || {
            bear(Duration::from_millis(20), 60);
        },
    );
}

/// Runs `runs` different graphs, with a kill every `pause`. No result may be lost.
fn bear(pause: Duration, runs: usize) {
    let mut traces = None;
    let (mut kills, mut longest) = (0, Duration::ZERO);
    let begin = Instant::now();
    for (pool, workers) in (0_u64..).zip(WORKERS) {
        let _deadline = Deadline::seconds(format!("kills every {pause:?}, pool {pool}"), 1_800);
        let cluster = Faulty::harmless(workers);
        let witness = cluster.seen();
        let mut crew = Crew::new(Box::new(cluster));
        let micros = u64::try_from(pause.as_micros()).unwrap();
        let weather = Weather {
            pause: micros..micros + 1,
            storm: RUN_TIME,
            blows: &[Blow::Kill],
        };
        let outside = Outside::begin(witness.clone(), weather, pool);
        for number in 0..runs / WORKERS.len() {
            let start = Instant::now();
            outside.renew();
            run_once(&mut crew, workers, pause / 10, 1_000 * pool + number as u64);
            longest = longest.max(start.elapsed());
        }
        kills += outside.kills();
        drop(outside);
        drop(crew);
        witness.lock().unwrap().check_gone();
        // The first pool may create things that stay.
        traces.get_or_insert_with(Traces::now).check();
    }
    println!(
        "kills every {pause:?}: {runs} of {runs} runs right, {kills} kills survived, {:.1} s, the longest run {:.2} s",
        begin.elapsed().as_secs_f64(),
        longest.as_secs_f64()
    );
}

/// Runs one graph. Every result must be right.
fn run_once(crew: &mut Crew, workers: usize, time: Duration, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let nodes = random_nodes(&mut random, TASKS, 0);
    let nodes = nodes.into_iter().map(|node| Node {
        size: SIZE,
        action: Action::Take(time),
        ..node
    });
    let nodes: Vec<_> = nodes.collect();
    let limits = Limits {
        within: None,
        retry: 1_000,
    };
    let graph = with_limits(&nodes, random_costs(seed), |_| limits);
    let definition = graph.definition().unwrap();
    let processors = Processors::new(workers).unwrap();
    let schedule = Policy::default()
        .schedule(&definition.task_graph, &processors)
        .unwrap();
    let plan = Arc::new(Plan::new(definition, &schedule, Retry::default()));
    let never = AtomicBool::new(false);
    let blobs = run(crew, &graph, &plan, bounds_of(RUN_TIME, &never));
    for (index, (expected, found)) in expected(&nodes).iter().zip(&blobs).enumerate() {
        if nodes[index].output {
            let found = found.as_ref().unwrap().as_ref();
            let digest = found.map(crate::testing::Blob::check);
            assert_eq!(
                digest.ok(),
                *expected,
                "seed {seed}, node{index}: {found:?}"
            );
        }
    }
}
