//! Graphs of any shape for tests, with tasks that compute, fail or crash, and their expected results.
//!
//! All tasks have the same statement, whose body reads from a captured table what to do.

use crate::api::program::Graph;
use crate::base::failure::TaskError;
use crate::definition::{Definition, Instance, Limits};
use crate::generated_code::facts::{Facts, Family, Part, Slot, Source, Statement};
use crate::generated_code::index::IndexType;
use crate::generated_code::inputs::Type;
use crate::generated_code::part::carry::CarryPart as _;
use crate::generated_code::part::projection;
use crate::generated_code::task::{Call, Descriptor, dispatcher};
use crate::value::codec::encode;
use ampeg_schedule::Cost;
use ampeg_schedule::TaskGraph;
use ampeg_schedule::TaskId;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

pub(crate) mod marks;
pub(crate) mod outcome;

/// What a task does, in addition to reading its inputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Action {
    Compute,
    Fail,
    Panic,
    Abort,
    Exit(i32),
    /// Runs until it is killed.
    Hang,
    /// Closes every descriptor of its worker.
    CloseAll,
    /// Aborts once, which this file records, and computes in later attempts.
    AbortOnce(String),
    /// Computes once in each run, and fails if it is computed again. Only for workers in the thread of the test.
    ComputeOnce,
    /// Computes and counts. A simulation ends the worker if the task is computed again in the same run.
    CrashAgain,
    /// Computes after a while.
    Take(Duration),
    /// Computes once, which this file records, and does something else after that.
    Once(String, Box<Action>),
}

/// One task of a test graph.
///
/// It uses its first parent as a whole. Of its last two parents, it uses only parts: the digest of the last but one,
/// and the digest and ballast of the last.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Node {
    pub(crate) parents: Vec<usize>,
    /// The bytes of its result.
    pub(crate) size: usize,
    pub(crate) action: Action,
    pub(crate) output: bool,
}

impl Node {
    /// The shape of the inputs: the number of parents that are used as a whole, and whether each of two parents is
    /// used in part.
    fn shape(&self) -> Vec<u32> {
        let n_parents = self.parents.len();
        let n_whole = n_parents.saturating_sub(2).max(n_parents.min(1));
        let n_in_part = n_parents - n_whole;
        let shape = [
            n_whole,
            usize::from(n_in_part > 1),
            usize::from(n_in_part > 0),
        ];
        shape.map(|n| u32::try_from(n).unwrap()).to_vec()
    }
}

/// The result of a task: a digest of its inputs, and ballast that depends on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Blob {
    pub(crate) digest: u64,
    #[serde(with = "serde_bytes")]
    pub(crate) ballast: Vec<u8>,
}

impl Blob {
    fn new(task: usize, size: usize, inputs: impl Iterator<Item = u64>) -> Self {
        let start = 0x9e37_79b9_7f4a_7c15_u64 ^ task as u64 ^ marks::run() << 32;
        let digest = inputs.fold(start, |digest, input| {
            (digest.rotate_left(7) ^ input).wrapping_mul(0x2545_f491_4f6c_dd1d)
        });
        Self {
            digest,
            ballast: vec![digest.to_le_bytes()[0]; size],
        }
    }

    /// The digest. Panics if the ballast does not match it.
    pub(crate) fn check(&self) -> u64 {
        check_parts(self.digest, &self.ballast)
    }
}

fn check_parts(digest: u64, ballast: &[u8]) -> u64 {
    let is_right = |&byte| byte == digest.to_le_bytes()[0];
    assert!(
        ballast.iter().all(is_right),
        "the ballast was damaged on its way"
    );
    digest
}

/// The results of a test graph by task; none for a task that is not an output.
pub(crate) type Blobs = Vec<Option<Result<Blob, TaskError>>>;

/// A graph of these nodes; parents come before children.
pub(crate) fn graph(nodes: &[Node], costs: impl Fn(usize) -> (f64, f64)) -> Graph<Blobs> {
    with_limits(nodes, costs, |_| Limits::default())
}

/// Like [`graph`], with limits by task.
pub(crate) fn with_limits(
    nodes: &[Node],
    costs: impl Fn(usize) -> (f64, f64),
    limits: impl Fn(usize) -> Limits,
) -> Graph<Blobs> {
    let mut builder = TaskGraph::builder();
    for index in 0..nodes.len() {
        builder.add_task(
            format_args!("node{index}"),
            Cost::new(costs(index).0).unwrap(),
        );
    }
    for (index, node) in nodes.iter().enumerate() {
        for &parent in &node.parents {
            let cost = Cost::new(costs(index).1).unwrap();
            builder.add_dependency(TaskId::new(parent), TaskId::new(index), cost);
        }
    }
    let instance = |(index, node): (usize, &Node)| Instance {
        statement: u32::from(!node.output),
        indices: vec![i64::try_from(index).unwrap()],
        inputs: node
            .parents
            .iter()
            .map(|&parent| TaskId::new(parent))
            .collect(),
        shape: node.shape(),
        limits: limits(index),
        output: node.output,
        given: None,
    };
    let instances = nodes.iter().enumerate().map(instance).collect();
    let captures = vec![encode(&nodes.to_vec()).unwrap()];
    let definition = Definition::new(descriptor(), builder.build().unwrap(), captures, instances);
    Graph::of(definition)
}

struct Nodes;

impl Source for Nodes {
    const HASH: u64 = 0x7465_7374;
    fn facts() -> &'static Facts {
        const STATEMENTS: &[Statement] = &[node(true), node(false)];
        const FAMILIES: &[Family] = &[Family {
            name: "node",
            statement: 0,
            segments: &[1],
        }];
        &Facts {
            statements: STATEMENTS,
            families: FAMILIES,
            captures: &["nodes"],
            parts: PARTS,
        }
    }
}

/// The digest, and all of the ballast.
const PARTS: &[Part] = &[PART, PART];

const PART: Part = Part {
    captures: &[],
    indices: &[],
};

const fn node(output: bool) -> Statement {
    Statement {
        name: "node",
        source: "run(index, inputs)",
        file: file!(),
        line: line!(),
        column: column!(),
        family: 0,
        inputs: INPUTS,
        captures: &[0],
        indices: &["i"],
        used_indices: &[0],
        shape: 0,
        output,
    }
}

/// A list of whole results, the digest of another result, and the digest and ballast of a third.
const INPUTS: &[Slot] = &[
    Slot {
        depth: 1,
        optional: false,
        ..slot(&[])
    },
    slot(&[0]),
    slot(&[0, 1]),
];

/// One result, if it is present.
const fn slot(parts: &'static [u32]) -> Slot {
    Slot {
        family: 0,
        depth: 0,
        optional: true,
        branch: false,
        moved: false,
        path: "node",
        parts,
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Types {
    index: IndexType<usize>,
    node: Type<Blob>,
    nodes: crate::generated_code::capture::Value<Vec<Node>>,
}

fn descriptor() -> &'static Descriptor {
    let types = Types::default();
    let dispatch = dispatcher(&types, |call: &mut Call<'_>, types| {
        let digest = projection(types.node, (), |(), blob: &Blob, _| &blob.digest);
        let ballast = projection(types.node, (), |(), blob: &Blob, _| &blob.ballast[..]);
        call.part(0, (&digest).carry());
        call.part(1, (&ballast).carry());
        for statement in [0, 1] {
            let types = (*types, digest.optional(), ballast.optional());
            call.member(statement, types.0.node, types, |types, inputs| {
                let (types, digest, ballast) = types;
                let index = types.index.get(inputs, 0);
                let parents = types.node.list().take_or_clone(inputs, 0);
                let node = types.nodes.borrow(inputs, 3)[index].clone();
                let mut digests: Vec<u64> = parents.iter().map(Blob::check).collect();
                let digest_of = |slot| {
                    *digest
                        .borrow(inputs, slot, 0)
                        .get()
                        .find(|blob| &blob.digest)
                };
                if inputs.is_present(1) {
                    digests.push(digest_of(1));
                }
                if inputs.is_present(2) {
                    let ballast = ballast.borrow(inputs, 2, 1).get();
                    digests.push(check_parts(
                        digest_of(2),
                        ballast.find(|blob| &blob.ballast),
                    ));
                }
                let blob = Blob::new(index, node.size, digests.into_iter());
                act(index, &node.action)?;
                Ok(blob)
            });
        }
        call.capture(0, types.nodes);
    });
    Descriptor::of(&Nodes, &types, dispatch)
}

fn act(task: usize, action: &Action) -> Result<(), String> {
    marks::observe();
    match action {
        Action::Compute => {}
        Action::Fail => return Err("told to fail".into()),
        Action::Panic => panic!("told to panic"),
        Action::Abort => std::process::abort(),
        Action::Exit(code) => std::process::exit(*code),
        Action::Hang => loop {
            std::hint::spin_loop();
        },
        #[cfg(target_os = "linux")]
        Action::CloseAll => crate::sys::close_all_descriptors(),
        #[cfg(not(target_os = "linux"))]
        Action::CloseAll => std::process::abort(),
        Action::AbortOnce(file) => {
            if std::fs::File::create_new(file).is_ok() {
                std::process::abort();
            }
        }
        Action::ComputeOnce if marks::begin(task) => {}
        Action::ComputeOnce => return Err("told to compute once".into()),
        Action::CrashAgain => {
            marks::begin(task);
        }
        Action::Take(time) => std::thread::sleep(*time),
        Action::Once(file, then) => {
            if std::fs::File::create_new(file).is_err() {
                return act(task, then);
            }
        }
    }
    Ok(())
}

impl Action {
    /// Whether the action returns a result at least once.
    fn computes(&self) -> bool {
        matches!(
            self,
            Self::Compute
                | Self::AbortOnce(_)
                | Self::ComputeOnce
                | Self::CrashAgain
                | Self::Take(_)
                | Self::Once(..)
        )
    }
}

/// By task: the digest in a sequential evaluation; none if the task or one of its inputs does not compute.
pub(crate) fn expected(nodes: &[Node]) -> Vec<Option<u64>> {
    let mut digests: Vec<Option<Option<u64>>> = vec![None; nodes.len()];
    while digests.iter().any(Option::is_none) {
        for (index, node) in nodes.iter().enumerate() {
            let inputs: Option<Vec<Option<u64>>> =
                node.parents.iter().map(|&parent| digests[parent]).collect();
            if let Some(inputs) = inputs {
                let inputs: Option<Vec<u64>> = inputs.into_iter().collect();
                let inputs = inputs.filter(|_| node.action.computes());
                let blob = inputs.map(|inputs| Blob::new(index, 0, inputs.into_iter()));
                digests[index] = Some(blob.map(|blob| blob.digest));
            }
        }
    }
    digests.into_iter().flatten().collect()
}

/// Checks every result of a run against sequential evaluation.
pub(crate) fn check(nodes: &[Node], results: &Blobs) {
    for (index, (digest, result)) in expected(nodes).iter().zip(results).enumerate() {
        let found = result
            .as_ref()
            .map(|result| result.as_ref().map(Blob::check));
        match (nodes[index].output, digest, found) {
            (false, _, None) | (true, None, Some(Err(_))) => {}
            (true, Some(digest), Some(Ok(found))) => assert_eq!(*digest, found, "node{index}"),
            (_, _, found) => panic!("node{index}: expected {digest:?}, found {found:?}"),
        }
    }
}

/// A random graph whose tasks all compute. The numbers of its tasks are in no order.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a size is drawn from a range of magnitudes"
)]
pub(crate) fn random_nodes(
    random: &mut fastrand::Rng,
    n_tasks: usize,
    largest: usize,
) -> Vec<Node> {
    let mut numbers: Vec<usize> = (0..n_tasks).collect();
    random.shuffle(&mut numbers);
    let mut nodes = vec![None; n_tasks];
    for index in 0..n_tasks {
        let mut parents = numbers[..index].to_vec();
        random.shuffle(&mut parents);
        parents.truncate(random.usize(0..=4));
        let magnitude = random.f64() * (largest as f64 + 1.0).ln();
        nodes[numbers[index]] = Some(Node {
            parents,
            size: magnitude.exp() as usize - 1,
            action: Action::Compute,
            output: random.bool(),
        });
    }
    nodes.into_iter().flatten().collect()
}

/// Random costs of a graph, fixed by a seed.
pub(crate) fn random_costs(seed: u64) -> impl Fn(usize) -> (f64, f64) {
    move |index| {
        let mut random = fastrand::Rng::with_seed(seed ^ index as u64);
        let mut cost = || random.choice([0.0, 0.1, 1.0, 10.0]).unwrap() * random.f64();
        (cost(), cost())
    }
}

/// Ends the whole test process with a message if a test has not ended by its deadline.
#[must_use = "the deadline holds until it is dropped"]
pub(crate) struct Deadline {
    _alive: std::sync::mpsc::Sender<()>,
}

impl Deadline {
    pub(crate) fn seconds(test: impl Into<String>, seconds: u64) -> Self {
        let test = test.into();
        let (alive, dropped) = std::sync::mpsc::channel();
        let end = Instant::now() + Duration::from_secs(seconds);
        std::thread::spawn(move || {
            use std::sync::mpsc::RecvTimeoutError::Timeout;
            let left = end.saturating_duration_since(Instant::now());
            if dropped.recv_timeout(left) == Err(Timeout) {
                eprintln!("{test} has not ended within {seconds} s");
                std::process::abort();
            }
        });
        Self { _alive: alive }
    }
}

/// The variable of a process that runs one test only.
const ALONE: &str = "AMPEG_TEST_ALONE";

/// Whether this process was started by [`alone`], to run nothing but its test.
pub(crate) fn is_alone() -> bool {
    std::env::var_os(ALONE).is_some()
}

/// Runs the body of a test in a process of its own, for tests that change or inspect state that all threads share.
/// The output of the process is printed when it has ended.
///
/// `module` is the test's `module_path!()`. The process gets these environment variables.
pub(crate) fn alone(
    module: &str,
    test: &str,
    variables: &[(&str, &std::ffi::OsStr)],
    body: impl FnOnce(),
) {
    let name = match module.split_once("::") {
        Some((_, module)) => format!("{module}::{test}"),
        None => test.to_owned(),
    };
    if is_alone() {
        return body();
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            &name,
            "--exact",
            "--include-ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(ALONE, &name)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{errors}"
    );
    print!("{said}");
}
