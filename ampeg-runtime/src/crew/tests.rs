//! Fault injection: whatever happens to a worker at whatever point of a run, it costs at most the task that ran there.
//!
//! A point is a message that the coordinator sends or an event that it receives.
//! For each graph, each worker and each point, one run has its fault exactly there.

use super::*;
use crate::definition::Limits;
use crate::failure::TaskErrorKind;
use crate::message::Epoch;
use crate::outcome::Results;
use crate::progress::Activity;
use crate::schedule::{Policy, Processors, Scheduler};
use crate::testing::{
    Action, Blobs, Deadline, Node, expected, graph, random_costs, random_nodes, with_limits,
};
use crate::transport::ipc::IpcCluster;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex};

/// What happens to a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// It is killed.
    Kill,
    /// It is stopped, and continued when nothing else happens any more.
    Stop,
    /// What it is sent is held back until nothing else happens any more.
    Delay,
}

/// A cluster in which one worker suffers one fault.
#[derive(Debug)]
struct Faulty {
    inner: IpcCluster,
    fault: Fault,
    victim: ProcessorId,
    /// The points that are left until then.
    left: Option<usize>,
    held_back: Option<VecDeque<ToWorker>>,
    stopped: bool,
    seen: Arc<Mutex<Seen>>,
}

/// What the harness wants to know afterwards.
#[derive(Debug, Default)]
struct Seen {
    /// Every process that was a worker.
    pids: HashSet<u32>,
    /// By worker, the present one, unless it is being replaced.
    present: HashMap<usize, u32>,
    struck: bool,
}

/// How long nothing must happen before a fault that only holds up is lifted.
const QUIET: Duration = Duration::from_millis(5);

impl Faulty {
    fn point(&mut self) {
        match self.left {
            Some(0) => {
                self.left = None;
                self.seen.lock().unwrap().struck = true;
                self.strike();
            }
            Some(left) => self.left = Some(left - 1),
            None => {}
        }
    }

    fn strike(&mut self) {
        match self.fault {
            Fault::Kill => {
                self.inner.kill(self.victim);
            }
            Fault::Stop => {
                self.stopped = true;
                self.signal(rustix::process::Signal::STOP);
            }
            Fault::Delay => self.held_back = Some(VecDeque::new()),
        }
    }

    fn lift(&mut self) {
        if std::mem::take(&mut self.stopped) {
            self.signal(rustix::process::Signal::CONT);
        }
        for message in self.held_back.take().into_iter().flatten() {
            self.inner.send(self.victim, message);
        }
    }

    fn signal(&self, signal: rustix::process::Signal) {
        // It may be absent for the moment.
        let Some(pid) = self.inner.pid(self.victim) else {
            return;
        };
        let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        let _ = rustix::process::kill_process(pid, signal);
    }

    /// A cluster to which nothing happens from within.
    fn harmless(workers: usize, seen: &Arc<Mutex<Seen>>) -> Self {
        let cluster = Self {
            inner: IpcCluster::start(workers, None).unwrap(),
            fault: Fault::Kill,
            victim: ProcessorId::new(0),
            left: None,
            held_back: None,
            stopped: false,
            seen: Arc::clone(seen),
        };
        cluster.note_pids();
        cluster
    }

    fn note_pids(&self) {
        let mut seen = self.seen.lock().unwrap();
        for worker in 0..self.n_workers() {
            if let Some(pid) = self.inner.pid(ProcessorId::new(worker)) {
                seen.pids.insert(pid);
                seen.present.insert(worker, pid);
            }
        }
    }
}

impl Cluster for Faulty {
    fn n_workers(&self) -> usize {
        self.inner.n_workers()
    }

    fn send(&mut self, to: ProcessorId, message: ToWorker) {
        self.point();
        match &mut self.held_back {
            Some(held_back) if to == self.victim => held_back.push_back(message),
            _ => self.inner.send(to, message),
        }
    }

    fn receive(&mut self, timeout: Option<Duration>) -> Option<Event> {
        let held_up = self.stopped || self.held_back.is_some();
        let event = match self
            .inner
            .receive(if held_up { Some(QUIET) } else { timeout })
        {
            None if held_up => {
                self.lift();
                self.inner.receive(timeout)
            }
            event => event,
        };
        self.point();
        event
    }

    fn start(&mut self, worker: ProcessorId) {
        // Its number may be given to another process from now on.
        self.seen.lock().unwrap().present.remove(&worker.index());
        self.inner.start(worker);
        self.note_pids();
    }

    fn introduce(&mut self, worker: ProcessorId) -> Epoch {
        self.inner.introduce(worker)
    }

    fn epoch(&self) -> Epoch {
        self.inner.epoch()
    }

    fn since(&self, worker: ProcessorId) -> Option<Epoch> {
        self.inner.since(worker)
    }

    fn kill(&mut self, worker: ProcessorId) -> bool {
        self.inner.kill(worker)
    }

    fn is_full(&self, worker: ProcessorId) -> bool {
        self.inner.is_full(worker)
    }

    fn activity(&self, worker: ProcessorId) -> Activity {
        self.inner.activity(worker)
    }

    fn pid(&self, worker: ProcessorId) -> Option<u32> {
        self.inner.pid(worker)
    }

    fn waker(&self) -> Box<dyn Fn() + Send + Sync> {
        self.inner.waker()
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.lift();
    }
}

/// Runs a graph twice with one fault in either run; whether the point was reached, and how many tasks ended as crashed.
fn run_with(
    nodes: &[Node],
    seed_of_costs: u64,
    fault: Fault,
    victim: usize,
    point: usize,
) -> (bool, usize) {
    const WORKERS: usize = 3;
    let graph = graph(nodes, random_costs(seed_of_costs));
    let definition = graph.definition().unwrap();
    let processors = Processors::new(WORKERS).unwrap();
    let schedule = Policy::Heft
        .schedule(&definition.task_graph, &processors)
        .unwrap();
    let seen = Arc::new(Mutex::new(Seen::default()));
    let cluster = Faulty {
        inner: IpcCluster::start(WORKERS, None).unwrap(),
        fault,
        victim: ProcessorId::new(victim),
        left: Some(point),
        held_back: None,
        stopped: false,
        seen: Arc::clone(&seen),
    };
    cluster.note_pids();
    let mut crew = Crew::new(Box::new(cluster));
    let never = AtomicBool::new(false);
    let bounds = Bounds {
        deadline: Some(Instant::now() + Duration::from_secs(10)),
        cancelled: &never,
    };
    let plan = Arc::new(Plan::new(definition, &schedule, Duration::ZERO));
    let mut run = || {
        let (results, _) = crew.run(definition, &plan, bounds).unwrap();
        check_but_for_one(
            nodes,
            &graph.collect(&mut Results::new(definition, results)),
        )
    };
    let lost = run() + run();
    assert!(lost <= 1, "one death took tasks of two runs");
    drop(crew);
    let witness = seen.lock().unwrap();
    check_gone(&witness);
    (witness.struck, lost)
}

/// Every result must be right, but for those of one crashed task and of what depends on it.
fn check_but_for_one(nodes: &[Node], blobs: &Blobs) -> usize {
    let mut roots = HashSet::new();
    for (index, (expected, found)) in expected(nodes).iter().zip(blobs).enumerate() {
        match found {
            Some(Ok(blob)) => assert_eq!(Some(blob.digest), *expected, "node{index}"),
            Some(Err(error)) if expected.is_some() => {
                let root = error.root();
                assert!(
                    matches!(
                        root.kind(),
                        TaskErrorKind::Crashed {
                            signal: Some(9),
                            ..
                        }
                    ),
                    "node{index}: {error}"
                );
                roots.insert(root.task().to_owned());
            }
            Some(Err(_)) => {}
            None => assert!(!nodes[index].output, "node{index} has no result"),
        }
    }
    assert!(roots.len() <= 1, "one death took several tasks: {roots:?}");
    roots.len()
}

/// Graphs of different shapes: a chain, a fan, two layers, and random ones; some fail by themselves.
fn graphs() -> Vec<Vec<Node>> {
    let mut random = fastrand::Rng::with_seed(4);
    let mut node = |parents: Vec<usize>| Node {
        parents,
        size: [0, 100, 50_000][random.usize(0..3)],
        action: Action::Compute,
        output: random.bool(),
    };
    let chain = (0..6).map(|task: usize| node(task.checked_sub(1).into_iter().collect()));
    let chain: Vec<_> = chain.collect();
    let mut fan: Vec<_> = (0..6)
        .map(|task| node(if task == 0 { vec![] } else { vec![0] }))
        .collect();
    fan.push(node((1..6).collect()));
    let layers = |task| if task < 4 { vec![] } else { (0..4).collect() };
    let mut layers: Vec<_> = (0..8).map(|task| node(layers(task))).collect();
    layers[2].action = Action::Fail;
    layers[5].parents = vec![0, 1];
    let mut random = fastrand::Rng::with_seed(5);
    let shuffled = random_nodes(&mut random, 12, 200_000);
    vec![chain, fan, layers, shuffled]
}

fn strike_everywhere(test: &str, fault: Fault) {
    let graphs = graphs();
    let (mut faults, mut crashed) = (0, 0);
    for (number, graph) in graphs.iter().enumerate() {
        for victim in 0..3 {
            for point in 0.. {
                let (struck, lost) = run_with(graph, number as u64, fault, victim, point);
                crashed += lost;
                if !struck {
                    break;
                }
                faults += 1;
            }
        }
    }
    println!(
        "{test}: {} graphs, {faults} faults survived, {crashed} tasks crashed, 0 other results lost",
        graphs.len()
    );
    assert!(faults > 100, "only {faults} faults happened");
}

#[test]
fn worker_killed_at_any_point_costs_one_task_at_most() {
    let _deadline = Deadline::seconds("kill", 120);
    strike_everywhere("kill", Fault::Kill);
}

#[test]
fn worker_stopped_and_continued_at_any_point_costs_nothing() {
    let _deadline = Deadline::seconds("stop", 300);
    strike_everywhere("stop", Fault::Stop);
}

#[test]
fn messages_held_back_at_any_point_cost_nothing() {
    let _deadline = Deadline::seconds("delay", 300);
    strike_everywhere("delay", Fault::Delay);
}

/// A random graph some of whose tasks fail, panic, crash, or hang until they are killed.
fn hazardous_nodes(random: &mut fastrand::Rng) -> Vec<Node> {
    let n_tasks = random.usize(1..25);
    let mut nodes = random_nodes(random, n_tasks, 300_000);
    for node in &mut nodes {
        node.output = random.u8(..) < 180;
        node.action = match random.u8(..) {
            0..8 => Action::Fail,
            8..16 => Action::Panic,
            16..28 => Action::Abort,
            28..36 => Action::Exit(random.i32(0..100)),
            36..40 => Action::Hang,
            _ => Action::Compute,
        };
    }
    nodes
}

/// Kills one of these processes now and then; asleep in between, since it stands for what comes from outside.
fn kill_now_and_then(seen: &Mutex<Seen>, over: &AtomicBool, draw: u64) -> usize {
    let mut random = fastrand::Rng::with_seed(draw);
    let mut kills = 0;
    while !over.load(Ordering::Acquire) {
        std::thread::sleep(Duration::from_micros(random.u64(200..20_000)));
        let pids: Vec<_> = seen.lock().unwrap().present.values().copied().collect();
        if let Some(&pid) = pids.get(random.usize(0..pids.len().max(1))) {
            let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
            // It may have ended a moment ago; numbers of processes are not given anew that soon.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            kills += 1;
        }
    }
    kills
}

/// Every result that exists is right; what has none was told to fail, depends on such a task, or was killed.
fn check_hazardous(nodes: &[Node], blobs: &Blobs) -> usize {
    let mut killed = HashSet::new();
    for (index, (expected, found)) in expected(nodes).iter().zip(blobs).enumerate() {
        match found {
            Some(Ok(blob)) => assert_eq!(Some(blob.digest), *expected, "node{index}"),
            Some(Err(error)) => {
                let root = error.root();
                let own = root
                    .task()
                    .trim_start_matches("node")
                    .parse::<usize>()
                    .unwrap();
                if nodes[own].action == Action::Compute {
                    let by_kill = match root.kind() {
                        TaskErrorKind::Crashed { signal, .. } => *signal == Some(9),
                        TaskErrorKind::NoWorker { reason } => reason.contains("signal 9"),
                        _ => false,
                    };
                    assert!(by_kill, "node{index}: {error}");
                    killed.insert(own);
                }
            }
            None => assert!(!nodes[index].output, "node{index} has no result"),
        }
    }
    killed.len()
}

#[test]
fn soak() {
    let seconds = std::env::var("AMPEG_SOAK_SECONDS").ok();
    let seconds = seconds.map_or(5, |seconds| seconds.parse().unwrap());
    let draw = std::env::var("AMPEG_SOAK_SEED").ok();
    let draw = draw.map_or_else(|| fastrand::u64(..), |draw| draw.parse().unwrap());
    println!("soak: {seconds} s with AMPEG_SOAK_SEED={draw}");
    let _deadline = Deadline::seconds("soak", seconds + 120);
    let mut random = fastrand::Rng::with_seed(draw);
    let (mut runs, mut tasks, mut crashed, mut kills) = (0, 0, 0, 0);
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end {
        let workers = random.usize(1..=4);
        let seen = Arc::new(Mutex::new(Seen::default()));
        let over = Arc::new(AtomicBool::new(false));
        let mut crew = Crew::new(Box::new(Faulty::harmless(workers, &seen)));
        let killer = {
            let (seen, over, draw) = (Arc::clone(&seen), Arc::clone(&over), random.u64(..));
            std::thread::spawn(move || kill_now_and_then(&seen, &over, draw))
        };
        for _ in 0..random.usize(1..6) {
            let nodes = hazardous_nodes(&mut random);
            crashed += run_hazardous(&mut crew, &nodes, workers, random.u64(..));
            runs += 2;
            tasks += 2 * nodes.len();
        }
        over.store(true, Ordering::Release);
        kills += killer.join().unwrap();
        drop(crew);
        check_gone(&seen.lock().unwrap());
    }
    println!(
        "soak: {runs} runs of {tasks} tasks, {kills} kills survived, {crashed} tasks crashed by them, \
         0 other results lost"
    );
}

fn run_hazardous(crew: &mut Crew, nodes: &[Node], workers: usize, seed: u64) -> usize {
    let limit = Duration::from_millis(30);
    let limits = |task: usize| Limits {
        within: (nodes[task].action == Action::Hang).then_some(limit),
        retry: 0,
    };
    let graph = with_limits(nodes, random_costs(seed), limits);
    let definition = graph.definition().unwrap();
    let processors = Processors::new(workers).unwrap();
    let schedule = Policy::default()
        .schedule(&definition.task_graph, &processors)
        .unwrap();
    let never = AtomicBool::new(false);
    let bounds = Bounds {
        deadline: None,
        cancelled: &never,
    };
    let plan = Arc::new(Plan::new(definition, &schedule, Duration::ZERO));
    let mut run = || {
        let (results, _) = crew.run(definition, &plan, bounds).unwrap();
        check_hazardous(
            nodes,
            &graph.collect(&mut Results::new(definition, results)),
        )
    };
    run() + run()
}

fn check_gone(seen: &Seen) {
    for pid in &seen.pids {
        let path = format!("/proc/{pid}");
        assert!(
            !std::path::Path::new(&path).exists(),
            "process {pid} is left behind"
        );
    }
}
