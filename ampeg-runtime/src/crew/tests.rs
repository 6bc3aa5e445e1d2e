//! Fault injection: whatever happens to a worker at whatever point of a run, it costs at most the task that ran there.
//!
//! A point is a message that the coordinator sends or an event that it receives.
//! For each graph, each worker and each point, one run has its fault exactly there.

use super::*;
use crate::error::Error;
use crate::failure::TaskErrorKind;
use crate::message::Running;
use crate::outcome::Results;
use crate::schedule::{Policy, Processors, Scheduler};
use crate::testing::{Action, Blobs, Deadline, Node, expected, graph, random_costs, random_nodes};
use crate::transport::ipc::IpcCluster;
use std::collections::{HashSet, VecDeque};
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
    pids: HashSet<u32>,
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
        let pid = self.inner.pid(self.victim).unwrap();
        let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    fn note_pids(&self) {
        let workers = (0..self.n_workers()).map(ProcessorId::new);
        let pids = workers.filter_map(|worker| self.inner.pid(worker));
        self.seen.lock().unwrap().pids.extend(pids);
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

    fn restart(&mut self, worker: ProcessorId) -> Result<(), Error> {
        self.inner.restart(worker)?;
        self.note_pids();
        Ok(())
    }

    fn kill(&mut self, worker: ProcessorId) -> bool {
        self.inner.kill(worker)
    }

    fn running(&self, worker: ProcessorId) -> Option<Running> {
        self.inner.running(worker)
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

/// Runs a graph with one fault; whether the point was reached, and how many tasks ended as crashed.
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
    let (results, _) = crew
        .run(
            definition,
            Plan::new(definition, &schedule, Duration::ZERO),
            bounds,
        )
        .unwrap();
    let blobs = graph.collect(&mut Results::new(definition, results));
    drop(crew);
    let notes = seen.lock().unwrap();
    for pid in &notes.pids {
        let path = format!("/proc/{pid}");
        assert!(
            !std::path::Path::new(&path).exists(),
            "process {pid} is left behind"
        );
    }
    (notes.struck, check_but_for_one(nodes, &blobs))
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
