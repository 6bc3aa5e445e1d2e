//! Random pools and graphs with random faults, for any length of time.
//!
//! Each pool has a seed, which is one more than that of the previous pool. So the seed alone repeats a pool that
//! failed: its graphs and its planned faults, but not the exact times of signals.

use super::faulty::Faulty;
use super::hazards::Hazardous;
use super::outside::{Blow, Outside, Weather};
use super::traces::{Traces, check_empty};
use super::{Crew, bounds_of, run};
use crate::api::program::Graph;
use crate::plan::Plan;
use crate::plan::retry::Retry;
use crate::testing::{Blobs, Deadline, alone, is_alone, random_costs, with_limits};
use ampeg_schedule::{Policy, Processors, Schedule, Scheduler as _};
use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

const SEED: &str = "AMPEG_SOAK_SEED";
const SECONDS: &str = "AMPEG_SOAK_SECONDS";

/// The longest time of a run. No run takes nearly as long.
const RUN_TIME: Duration = Duration::from_secs(60);

/// A graph, and how it is run.
struct Case {
    hazardous: Hazardous,
    graph: Graph<Blobs>,
    plan: Arc<Plan>,
}

/// Totals of all pools.
#[derive(Debug, Default)]
struct Sums {
    pools: usize,
    runs: usize,
    tasks: usize,
    kills: usize,
    stops: usize,
    crashed: usize,
}

/// Prints the seed of a pool if its test panics.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the soak failed: {SEED}={} begins with this pool", self.0);
        }
    }
}

#[test]
fn soak() {
    let number = |name| std::env::var(name).ok().map(|text| text.parse().unwrap());
    let seed: u64 = number(SEED).unwrap_or_else(|| fastrand::u64(..));
    let seconds: u64 = number(SECONDS).unwrap_or(5);
    if is_alone() {
        return soak_for(Duration::from_secs(seconds), seed);
    }
    println!("soak: {seconds} s with {SEED}={seed}");
    let folder = tempfile::tempdir().unwrap();
    let seed = seed.to_string();
    let variables = [
        (SEED, OsStr::new(&seed)),
        ("TMPDIR", folder.path().as_ref()),
    ];
    alone(module_path!(), "soak", &variables, || unreachable!());
    check_empty(folder.path());
}

/// Runs pools for this time, in a process with its own folder for temporary files.
fn soak_for(time: Duration, first: u64) {
    let end = Instant::now() + time;
    let mut sums = Sums::default();
    let mut traces = None;
    let mut seed = first;
    while Instant::now() < end {
        let _named = Named(seed);
        let _deadline = Deadline::seconds(format!("the pool of {SEED}={seed}"), 300);
        let folder = tempfile::tempdir().unwrap();
        soak_pool(seed, folder.path(), &mut sums);
        folder.close().unwrap();
        check_empty(&std::env::temp_dir());
        // The first pool may create things that stay, such as the panic hook.
        traces.get_or_insert_with(Traces::now).check();
        sums.pools += 1;
        seed = seed.wrapping_add(1);
    }
    println!(
        "soak: {} runs of {} tasks on {} pools, {} kills and {} stops survived, \
         {} tasks crashed by them, 0 other results lost",
        sums.runs, sums.tasks, sums.pools, sums.kills, sums.stops, sums.crashed
    );
}

fn soak_pool(seed: u64, folder: &Path, sums: &mut Sums) {
    let random = &mut fastrand::Rng::with_seed(seed);
    let workers = random.usize(1..=8);
    let cluster = Faulty::harmless(workers);
    let witness = cluster.seen();
    let mut crew = Crew::new(Box::new(cluster));
    let mut outside = Outside::begin(witness.clone(), weather(random), random.u64(..));
    let mut cases: Vec<Case> = Vec::new();
    let mut crashed = 0;
    for _ in 0..random.usize(1..=8) {
        // Either a known graph, at once or later, or a new one.
        let known = random.usize(0..cases.len() + 2);
        let case = if known < cases.len() {
            &cases[known]
        } else {
            cases.push(Case::random(random, workers, folder, cases.len()));
            cases.last().unwrap()
        };
        outside.renew();
        crashed += case.run(&mut crew, random);
        sums.runs += 1;
        sums.tasks += case.hazardous.nodes.len();
        assert!(
            crashed <= outside.kills(),
            "{crashed} tasks were killed from outside by {} kills",
            outside.kills()
        );
        if random.u8(..) < 50 {
            // Workers receive a message that these graphs are gone.
            cases.clear();
        }
    }
    if random.bool() {
        outside.end();
    }
    // In the other case, the pool ends while blows continue.
    drop(crew);
    outside.end();
    witness.lock().unwrap().check_gone();
    sums.kills += outside.kills();
    sums.stops += outside.stops();
    sums.crashed += crashed;
}

fn weather(random: &mut fastrand::Rng) -> Weather {
    let blows: [&[Blow]; 4] = [
        &[],
        &[Blow::Kill],
        &[
            Blow::Kill,
            Blow::Kill,
            Blow::Kill,
            Blow::KillTwo,
            Blow::KillAgain,
        ],
        &[Blow::Kill, Blow::KillTwo, Blow::KillAgain, Blow::Stop],
    ];
    let longest = random
        .choice([4_000, 20_000, 50_000, 50_000, 100_000])
        .unwrap();
    Weather {
        pause: longest / 100..longest,
        storm: Duration::from_millis(300),
        blows: random.choice(blows).unwrap(),
    }
}

impl Case {
    fn random(random: &mut fastrand::Rng, workers: usize, folder: &Path, name: usize) -> Self {
        let hazardous = Hazardous::random(random, folder, name);
        let costs = random_costs(random.u64(..));
        let limits = |task: usize| hazardous.limits[task];
        let graph = with_limits(&hazardous.nodes, costs, limits);
        let definition = graph.definition().unwrap();
        // Workers beyond this number have nothing to do.
        let processors = Processors::new(random.usize(1..=workers)).unwrap();
        let tasks = &definition.task_graph;
        let schedule = if random.bool() {
            Policy::default().schedule(tasks, &processors).unwrap()
        } else {
            let mut order = vec![Vec::new(); processors.len()];
            for &task in tasks.topological_order() {
                order[random.usize(0..processors.len())].push(task);
            }
            Schedule::from_order(tasks, &processors, &order).unwrap()
        };
        // The wait doubles with each attempt.
        let waits = hazardous.limits.iter().all(|limits| limits.retry <= 3) && random.bool();
        let retry = Retry {
            backoff: Duration::from_millis(waits.into()),
            ..Retry::default()
        };
        let plan = Arc::new(Plan::new(definition, &schedule, retry));
        Self {
            hazardous,
            graph,
            plan,
        }
    }

    /// Runs the graph, possibly with a cancel. Returns how many tasks were crashed from outside.
    fn run(&self, crew: &mut Crew, random: &mut fastrand::Rng) -> usize {
        self.hazardous.forget();
        let cancelled = AtomicBool::new(false);
        let short = Duration::from_micros(random.u64(0..50_000));
        let (mut time, mut cancel) = (RUN_TIME, false);
        match random.u8(..) {
            0..20 => time = short,
            20..40 => cancel = true,
            _ => {}
        }
        let wake = crew.waker();
        let blobs = std::thread::scope(|scope| {
            if cancel {
                scope.spawn(|| {
                    sleep(short);
                    cancelled.store(true, Ordering::Release);
                    wake();
                });
            }
            run(crew, &self.graph, &self.plan, bounds_of(time, &cancelled))
        });
        let is_cut_short = cancel || time < RUN_TIME;
        self.hazardous.check(&blobs, is_cut_short).len()
    }
}
