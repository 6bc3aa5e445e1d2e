//! Tests the coordinator event by event, with a cluster that only records messages. There is no process and no clock.

use super::*;
use crate::Graph;
use crate::base::clock::Timestamp;
use crate::definition::Limits;
use crate::plan::retry::Retry;
use crate::run::cluster::{ClusterEvent, Exit};
use crate::run::message::{Epoch, Observed, Recomputation};
use crate::run::progress::{Activity, Phase, Running};
use crate::testing::{Action, Blobs, Node, graph, with_limits};
use crate::value::payload::Payload;
use ampeg_schedule::{Processors, Schedule};

/// An action of the coordinator.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Did {
    Begin(usize),
    /// A worker begins with its open steps, each with the number of its attempt.
    Resume(usize, Vec<(u32, u32)>),
    /// A worker computes results again, each before the step at this position.
    Recompute(usize, Vec<(usize, u32)>),
    Value(usize, usize),
    Skip(usize, Vec<u32>),
    Drop(usize, Vec<usize>),
    End(usize),
    Kill(usize),
}

#[derive(Debug)]
struct Recorder {
    did: Vec<Did>,
    /// The epochs of the workers that are present.
    since: Vec<Option<Epoch>>,
    epoch: Epoch,
}

impl Default for Recorder {
    fn default() -> Self {
        Self {
            did: Vec::new(),
            since: vec![Some(0); 3],
            epoch: 0,
        }
    }
}

impl Recorder {
    /// The actions since the last call.
    fn look(&mut self) -> Vec<Did> {
        std::mem::take(&mut self.did)
    }
}

impl Cluster for Recorder {
    fn n_workers(&self) -> usize {
        self.since.len()
    }

    fn send(&mut self, to: ProcessorId, message: ToWorker) {
        let to = to.index();
        self.did.push(match message {
            ToWorker::Begin { open: None, .. } => Did::Begin(to),
            ToWorker::Begin {
                open: Some(open), ..
            } => {
                let open: Vec<OpenStep> = codec::decode_fields(&open).unwrap();
                let open = open.into_iter().map(|it| (it.position, it.attempt));
                Did::Resume(to, open.collect())
            }
            ToWorker::Recompute { steps, .. } => {
                let steps: Vec<Recomputation> = codec::decode_fields(&steps).unwrap();
                let steps = steps.iter().map(|it| (it.step.task.index(), it.before));
                Did::Recompute(to, steps.collect())
            }
            ToWorker::Value(value) => Did::Value(to, value.task.index()),
            ToWorker::Skip {
                steps,
                recomputations,
                ..
            } if recomputations.is_empty() => Did::Skip(to, steps),
            ToWorker::Skip { recomputations, .. } => {
                Did::Drop(to, recomputations.into_iter().map(TaskId::index).collect())
            }
            ToWorker::End { .. } => Did::End(to),
            other => unreachable!("a coordinator does not say {other:?}"),
        });
    }

    fn receive(&mut self, _: Option<Duration>) -> Option<ClusterEvent> {
        unreachable!("a coordinator does not receive by itself")
    }

    fn start(&mut self, _: ProcessorId) {
        unreachable!("a coordinator does not start workers by itself")
    }

    fn introduce(&mut self, worker: ProcessorId) -> Epoch {
        self.epoch += 1;
        self.since[worker.index()] = Some(self.epoch);
        self.epoch
    }

    fn now(&self) -> Timestamp {
        7
    }

    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn since(&self, worker: ProcessorId) -> Option<Epoch> {
        self.since[worker.index()]
    }

    fn kill(&mut self, worker: ProcessorId) -> bool {
        self.did.push(Did::Kill(worker.index()));
        true
    }

    fn is_full(&self, _: ProcessorId) -> bool {
        false
    }

    fn activity(&self, _: ProcessorId) -> Activity {
        Activity::default()
    }

    fn pid(&self, _: ProcessorId) -> Option<u32> {
        None
    }

    fn waker(&self) -> Box<dyn Fn() + Send + Sync> {
        Box::new(|| {})
    }
}

//   worker 0: 0 ── 1 ── 3        results of 0 and 2 also go to worker 1 and 0
//              ╲       ╱
//   worker 1:   ── 2 ──── 4
fn nodes(outputs: &[usize]) -> Vec<Node> {
    let parents: [&[usize]; 5] = [&[], &[0], &[0], &[1, 2], &[2]];
    let node = |(task, parents): (usize, &&[usize])| Node {
        parents: parents.to_vec(),
        size: 0,
        action: Action::Compute,
        output: outputs.contains(&task),
    };
    parents.iter().enumerate().map(node).collect()
}

fn plan(definition: &Definition) -> Plan {
    let order = [vec![0, 1, 3], vec![2, 4]];
    let order = order.map(|tasks| tasks.into_iter().map(TaskId::new).collect::<Vec<_>>());
    let processors = Processors::new(2).unwrap();
    let schedule = Schedule::from_order(&definition.task_graph, &processors, &order).unwrap();
    Plan::new(definition, &schedule, Retry::default())
}

/// The run of a graph on two of three workers.
fn begin<'a>(
    definition: &'a Definition,
    plan: &'a Plan,
    recorder: &mut Recorder,
) -> Coordinator<'a> {
    let coordinator = Coordinator::new(definition, 1, plan, 3);
    coordinator.begin(recorder);
    assert_eq!(recorder.look(), [Did::Begin(0), Did::Begin(1)]);
    coordinator
}

fn ended(task: usize, result: Result<Option<Payload>, TaskErrorKind>) -> AttemptReport {
    AttemptReport {
        run: 1,
        task: TaskId::new(task),
        attempt: 1,
        result: result.map_err(Box::new),
        will_retry: false,
        epoch: 0,
        observed: Observed::default(),
    }
}

fn done(task: usize) -> AttemptReport {
    ended(task, Ok(None))
}

fn output(task: usize) -> AttemptReport {
    ended(task, Ok(Some(Payload::Inline(smallvec::smallvec![1]))))
}

fn failed(task: usize) -> AttemptReport {
    let message = "no".to_owned();
    let sources = vec![];
    ended(task, Err(TaskErrorKind::Failed { message, sources }))
}

/// Lets a worker die and its replacement join.
fn replace(
    coordinator: &mut Coordinator<'_>,
    worker: ProcessorId,
    activity: &Activity,
    recorder: &mut Recorder,
) {
    recorder.since[worker.index()] = None;
    coordinator.on_exited(worker, killed(), activity, recorder);
    coordinator.on_joined(worker, recorder).unwrap();
    recorder.introduce(worker);
}

fn worker(index: usize) -> ProcessorId {
    ProcessorId::new(index)
}

fn killed() -> Exit {
    Exit {
        signal: Some(9),
        ..Exit::default()
    }
}

/// The activity of a worker that runs an attempt at a task in this run.
fn running(task: usize, attempt: u32) -> Activity {
    let running = Running {
        task: TaskId::new(task),
        attempt,
        start: 0,
    };
    Activity {
        run: 1,
        phase: Phase::Around,
        running: Some(running),
        ..Activity::default()
    }
}

fn idle() -> Activity {
    Activity {
        run: 1,
        ..Activity::default()
    }
}

fn kinds(coordinator: Coordinator<'_>) -> Vec<String> {
    let results = coordinator.into_results().into_iter();
    results
        .map(|result| match result {
            None => "done".into(),
            Some(Ok(_)) => "output".into(),
            Some(Err(error)) => match error.kind() {
                TaskErrorKind::DependencyFailed { cause } => format!("after {}", cause.task()),
                TaskErrorKind::Crashed { signal, .. } => format!("crashed {signal:?}"),
                other => other.to_string(),
            },
        })
        .collect()
}

/// Sets up the graph above with these outputs, its plan, and a run that has begun.
macro_rules! begun {
    ($coordinator:ident, $recorder:ident, $graph:expr) => {
        let graph: Graph<Blobs> = $graph;
        let definition = graph.definition().unwrap();
        let plan = plan(definition);
        let mut $recorder = Recorder::default();
        let mut $coordinator = begin(definition, &plan, &mut $recorder);
    };
}

fn with_outputs(outputs: &[usize]) -> Graph<Blobs> {
    graph(&nodes(outputs), |_| (1.0, 1.0))
}

fn with_retries(retry: u32) -> Graph<Blobs> {
    let limits = |_| Limits {
        within: None,
        retry,
    };
    with_limits(&nodes(&[3]), |_| (1.0, 1.0), limits)
}

#[test]
fn worker_has_something_to_do_until_its_last_step_is_closed() {
    begun!(coordinator, recorder, with_outputs(&[]));
    assert!(coordinator.has_open_steps(worker(1)));
    coordinator.on_report(worker(0), done(0), &mut recorder);
    coordinator.on_report(worker(1), done(2), &mut recorder);
    coordinator.on_report(worker(1), done(4), &mut recorder);
    assert!(!coordinator.has_open_steps(worker(1)));
    assert!(coordinator.has_open_steps(worker(0)) && !coordinator.is_finished());
    assert!(!coordinator.has_open_steps(worker(2)));
}

#[test]
fn run_is_finished_when_every_task_has_ended() {
    begun!(coordinator, recorder, with_outputs(&[3, 4]));
    for (from, message) in [(0, done(0)), (0, done(1)), (1, done(2)), (1, output(4))] {
        assert!(!coordinator.is_finished());
        coordinator.on_report(worker(from), message, &mut recorder);
    }
    coordinator.on_report(worker(0), output(3), &mut recorder);
    assert!(coordinator.is_finished());
    assert_eq!(recorder.look(), []);
    coordinator.end(&mut recorder);
    assert_eq!(recorder.look(), [Did::End(0), Did::End(1)]);
    assert_eq!(
        kinds(coordinator),
        ["done", "done", "done", "output", "output"]
    );
}

#[test]
fn reports_of_another_run_are_ignored() {
    begun!(coordinator, recorder, with_outputs(&[]));
    let old = AttemptReport { run: 0, ..done(0) };
    coordinator.on_report(worker(0), old, &mut recorder);
    assert_eq!(coordinator.unfinished, 5);
}

#[test]
fn failure_skips_dependent_tasks_and_no_others() {
    begun!(coordinator, recorder, with_outputs(&[0, 1, 2, 3, 4]));
    coordinator.on_report(worker(0), output(0), &mut recorder);
    coordinator.on_report(worker(1), failed(2), &mut recorder);
    assert_eq!(
        recorder.look(),
        [Did::Skip(0, vec![2]), Did::Skip(1, vec![1])]
    );
    coordinator.on_report(worker(0), output(1), &mut recorder);
    assert!(coordinator.is_finished());
    let expected = [
        "output",
        "output",
        "failed: no",
        "after node2",
        "after node2",
    ];
    assert_eq!(kinds(coordinator), expected);
}

#[test]
fn replacement_gets_the_results_that_the_coordinator_has() {
    begun!(coordinator, recorder, with_outputs(&[0, 2, 3, 4]));
    coordinator.on_report(worker(0), output(0), &mut recorder);
    coordinator.on_report(worker(1), output(2), &mut recorder);
    // Worker 0 dies while it runs 1: 1 has crashed, so 3 is skipped, and worker 0 has no step left.
    replace(&mut coordinator, worker(0), &running(1, 1), &mut recorder);
    let expected = [Did::Skip(0, vec![2]), Did::Resume(0, vec![])];
    assert_eq!(recorder.look(), expected);
    // Worker 1 dies between two tasks: 4 is still to be run, and the coordinator has its input.
    replace(&mut coordinator, worker(1), &idle(), &mut recorder);
    let expected = [Did::Resume(1, vec![(1, 1)]), Did::Value(1, 2)];
    assert_eq!(recorder.look(), expected);
    coordinator.on_report(worker(1), output(4), &mut recorder);
    assert!(coordinator.is_finished());
    let expected = [
        "output",
        "crashed Some(9)",
        "output",
        "after node1",
        "output",
    ];
    assert_eq!(kinds(coordinator), expected);
}

#[test]
fn lost_results_are_computed_again_in_order_and_only_those() {
    begun!(coordinator, recorder, with_outputs(&[3, 4]));
    for (from, message) in [(0, done(0)), (0, done(1)), (1, done(2)), (1, output(4))] {
        coordinator.on_report(worker(from), message, &mut recorder);
    }
    // 3 needs 1 and 2, which need 0. All three results are lost.
    replace(&mut coordinator, worker(0), &idle(), &mut recorder);
    let expected = [
        Did::Resume(0, vec![(2, 1)]),
        Did::Recompute(0, vec![(0, 2), (1, 2), (2, 2)]),
    ];
    assert_eq!(recorder.look(), expected);
    for task in [0, 1, 2] {
        coordinator.on_report(worker(0), done(task), &mut recorder);
    }
    assert_eq!(coordinator.unfinished, 1);
    coordinator.on_report(worker(0), output(3), &mut recorder);
    assert!(coordinator.is_finished());
}

#[test]
fn failed_recomputation_fails_the_steps_that_lack_its_result() {
    // 1 and 2 need the result, too, but only to be computed again.
    begun!(coordinator, recorder, with_outputs(&[3, 4]));
    for (from, message) in [(0, done(0)), (0, done(1)), (1, done(2)), (1, output(4))] {
        coordinator.on_report(worker(from), message, &mut recorder);
    }
    replace(&mut coordinator, worker(0), &idle(), &mut recorder);
    recorder.look();
    coordinator.on_report(worker(0), failed(0), &mut recorder);
    assert_eq!(
        recorder.look(),
        [Did::Drop(0, vec![1, 2]), Did::Skip(0, vec![2])]
    );
    assert!(coordinator.is_finished());
    let expected = ["done", "done", "done", "after node0", "output"];
    assert_eq!(kinds(coordinator), expected);
}

#[test]
fn death_during_a_recomputation_fails_the_steps_that_lack_its_result() {
    begun!(coordinator, recorder, with_outputs(&[3, 4]));
    for (from, message) in [(0, done(0)), (0, done(1)), (1, done(2)), (1, output(4))] {
        coordinator.on_report(worker(from), message, &mut recorder);
    }
    replace(&mut coordinator, worker(0), &idle(), &mut recorder);
    replace(&mut coordinator, worker(0), &running(0, 1), &mut recorder);
    assert!(coordinator.is_finished());
    assert_eq!(kinds(coordinator)[3], "after node0");
}

#[test]
fn retries_hold_for_results_that_are_computed_again() {
    begun!(coordinator, recorder, with_retries(1));
    coordinator.on_report(worker(0), done(0), &mut recorder);
    replace(&mut coordinator, worker(0), &idle(), &mut recorder);
    replace(&mut coordinator, worker(0), &running(0, 1), &mut recorder);
    assert_eq!(coordinator.unfinished, 4);
    coordinator.on_report(worker(0), done(0), &mut recorder);
    // The result is lost once more, and its attempts start at 1 again.
    replace(&mut coordinator, worker(0), &idle(), &mut recorder);
    replace(&mut coordinator, worker(0), &running(0, 1), &mut recorder);
    assert_eq!(coordinator.unfinished, 4);
    replace(&mut coordinator, worker(0), &running(0, 2), &mut recorder);
    assert_eq!(kinds(coordinator)[1], "after node0");
}

#[test]
fn result_sent_to_a_worker_that_was_just_replaced_is_sent_again() {
    begun!(coordinator, recorder, with_outputs(&[2, 3]));
    coordinator.on_report(worker(0), done(0), &mut recorder);
    replace(&mut coordinator, worker(0), &idle(), &mut recorder);
    recorder.look();
    // When worker 1 sent the result of 2, it did not know of worker 0's replacement.
    coordinator.on_report(worker(1), output(2), &mut recorder);
    assert_eq!(recorder.look(), [Did::Value(0, 2)]);
}

#[test]
fn result_sent_to_the_present_worker_is_not_sent_again() {
    begun!(coordinator, recorder, with_outputs(&[2, 3]));
    coordinator.on_report(worker(0), done(0), &mut recorder);
    // The epoch of a pool is never reset.
    recorder.epoch = 7;
    replace(&mut coordinator, worker(0), &idle(), &mut recorder);
    recorder.look();
    let report = AttemptReport {
        epoch: 8,
        ..output(2)
    };
    coordinator.on_report(worker(1), report, &mut recorder);
    assert_eq!(recorder.look(), []);
}

#[test]
fn lost_result_that_is_needed_later_is_computed_once_more() {
    begun!(coordinator, recorder, with_outputs(&[3]));
    coordinator.on_report(worker(0), done(0), &mut recorder);
    replace(&mut coordinator, worker(0), &idle(), &mut recorder);
    let expected = [
        Did::Resume(0, vec![(1, 1), (2, 1)]),
        Did::Recompute(0, vec![(0, 1)]),
    ];
    assert_eq!(recorder.look(), expected);
    // Worker 0 may have computed 0, used it for 1 and dropped it.
    coordinator.on_report(worker(1), done(2), &mut recorder);
    assert_eq!(recorder.look(), [Did::Recompute(0, vec![(0, 1), (2, 2)])]);
}

#[test]
fn result_counts_when_its_inputs_have_been_reported() {
    begun!(coordinator, recorder, with_outputs(&[3]));
    // Worker 0 has sent the result of 0 to worker 1, but has not reported it yet.
    for message in [done(2), done(4)] {
        coordinator.on_report(worker(1), message, &mut recorder);
        assert_eq!(coordinator.unfinished, 5);
    }
    coordinator.on_report(worker(0), done(0), &mut recorder);
    assert_eq!(coordinator.unfinished, 2);
}

#[test]
fn reports_held_back_are_lost_with_their_worker() {
    begun!(coordinator, recorder, with_outputs(&[3]));
    coordinator.on_report(worker(1), done(2), &mut recorder);
    replace(&mut coordinator, worker(1), &idle(), &mut recorder);
    assert_eq!(recorder.look(), [Did::Resume(1, vec![(0, 1), (1, 1)])]);
    coordinator.on_report(worker(0), done(0), &mut recorder);
    assert_eq!(coordinator.unfinished, 4);
}

#[test]
fn result_that_was_reported_too_early_is_kept_when_the_run_is_cancelled() {
    begun!(coordinator, recorder, with_outputs(&[2, 4]));
    coordinator.on_report(worker(1), output(2), &mut recorder);
    coordinator.on_cancel(None, &mut recorder);
    assert_eq!(kinds(coordinator)[2], "output");
}

#[test]
fn lost_result_comes_with_an_input_that_was_reported_late() {
    begun!(coordinator, recorder, with_outputs(&[3]));
    // Worker 0 sent the result of 0 to worker 1, but died before it reported the task.
    replace(&mut coordinator, worker(0), &idle(), &mut recorder);
    coordinator.on_report(worker(1), done(2), &mut recorder);
    recorder.look();
    coordinator.on_report(worker(0), done(0), &mut recorder);
    assert_eq!(recorder.look(), [Did::Recompute(0, vec![(0, 1), (2, 2)])]);
}

#[test]
fn worker_that_joins_later_gets_all_results_that_are_done() {
    begun!(coordinator, recorder, with_outputs(&[2, 3]));
    coordinator.on_report(worker(0), done(0), &mut recorder);
    recorder.since[0] = None;
    coordinator.on_exited(worker(0), killed(), &idle(), &mut recorder);
    // Nothing is sent to the worker while it starts.
    coordinator.on_report(worker(1), output(2), &mut recorder);
    assert_eq!(recorder.look(), []);
    coordinator.on_joined(worker(0), &mut recorder).unwrap();
    let expected = [
        Did::Resume(0, vec![(1, 1), (2, 1)]),
        Did::Recompute(0, vec![(0, 1)]),
        Did::Value(0, 2),
    ];
    assert_eq!(recorder.look(), expected);
}

#[test]
fn crashed_task_is_tried_again_only_with_retries() {
    begun!(coordinator, recorder, with_retries(1));
    replace(&mut coordinator, worker(0), &running(0, 1), &mut recorder);
    let open = vec![(0, 2), (1, 1), (2, 1)];
    assert_eq!(recorder.look(), [Did::Resume(0, open)]);
    replace(&mut coordinator, worker(0), &running(0, 2), &mut recorder);
    assert!(coordinator.is_finished());
}

#[test]
fn crashes_of_a_task_that_succeeded_in_between_do_not_add_up() {
    begun!(coordinator, recorder, with_retries(1));
    replace(&mut coordinator, worker(0), &running(0, 1), &mut recorder);
    recorder.look();
    // The second attempt at 0 succeeded, since 1 was begun. Its report is lost.
    replace(&mut coordinator, worker(0), &running(1, 1), &mut recorder);
    let open = vec![(0, 1), (1, 2), (2, 1)];
    assert_eq!(recorder.look(), [Did::Resume(0, open)]);
}

#[test]
fn every_third_death_without_a_task_uses_up_an_attempt() {
    begun!(coordinator, recorder, with_retries(1));
    for _ in 0..2 * blame::IDLE_DEATHS {
        assert!(!coordinator.is_finished());
        replace(&mut coordinator, worker(0), &idle(), &mut recorder);
    }
    assert!(coordinator.is_finished());
    let kind = &kinds(coordinator)[0];
    let start =
        "was not run: its worker ended 3 times in a row before the task began or was reported";
    assert!(kind.starts_with(start), "{kind}");
    assert!(kind.contains("it was killed by signal 9"), "{kind}");
}

#[test]
fn deaths_without_a_task_are_counted_by_progress() {
    begun!(coordinator, recorder, with_outputs(&[3]));
    coordinator.on_report(worker(0), done(0), &mut recorder);
    for _ in 0..blame::IDLE_DEATHS {
        assert_eq!(coordinator.unfinished, 4);
        replace(&mut coordinator, worker(0), &idle(), &mut recorder);
        // Computing a lost result again is not progress.
        coordinator.on_report(worker(0), done(0), &mut recorder);
    }
    // 1 and 3 have failed. 2 and 4 can still be run.
    assert_eq!(coordinator.unfinished, 2);
}

#[test]
fn death_of_a_worker_without_steps_costs_nothing() {
    begun!(coordinator, recorder, with_outputs(&[3]));
    for _ in 0..2 * blame::IDLE_DEATHS {
        coordinator.on_exited(worker(2), killed(), &idle(), &mut recorder);
    }
    assert_eq!(coordinator.unfinished, 5);
    assert_eq!(recorder.look(), []);
}

#[test]
fn death_in_a_task_of_an_ended_run_is_not_a_crash() {
    begun!(coordinator, recorder, with_outputs(&[3]));
    let late = Activity {
        run: 0,
        ..running(0, 1)
    };
    replace(&mut coordinator, worker(0), &late, &mut recorder);
    assert_eq!(coordinator.unfinished, 5);
}

#[test]
fn worker_that_cannot_be_replaced_fails_its_own_tasks_only() {
    begun!(coordinator, recorder, with_outputs(&[0, 1, 2, 3, 4]));
    coordinator.on_report(worker(0), output(0), &mut recorder);
    recorder.since[0] = None;
    coordinator.on_exited(worker(0), killed(), &idle(), &mut recorder);
    coordinator.on_given_up(worker(0), "told so", &mut recorder);
    recorder.look();
    coordinator.on_report(worker(1), output(2), &mut recorder);
    coordinator.on_report(worker(1), output(4), &mut recorder);
    assert!(coordinator.is_finished());
    let kinds = kinds(coordinator);
    assert_eq!(kinds[1], "was not run: told so");
    assert_eq!([&kinds[0], &kinds[2], &kinds[4]], ["output"; 3]);
}

#[test]
fn cancelled_run_keeps_results_and_names_busy_workers() {
    begun!(coordinator, recorder, with_outputs(&[0, 1, 2, 3, 4]));
    coordinator.on_report(worker(0), output(0), &mut recorder);
    coordinator.on_report(worker(1), output(2), &mut recorder);
    coordinator.on_report(worker(1), output(4), &mut recorder);
    assert_eq!(coordinator.on_cancel(None, &mut recorder), [worker(0)]);
    assert!(coordinator.is_finished());
    let expected = [
        "output",
        "was cancelled",
        "output",
        "was cancelled",
        "output",
    ];
    assert_eq!(kinds(coordinator), expected);
}

#[test]
fn task_over_its_limit_has_timed_out() {
    begun!(coordinator, recorder, with_outputs(&[0]));
    let limit = (TaskId::new(0), Duration::from_secs(3));
    coordinator.on_exceeded(worker(0), limit, &mut recorder);
    assert_eq!(recorder.look(), [Did::Kill(0)]);
    replace(&mut coordinator, worker(0), &running(0, 1), &mut recorder);
    assert_eq!(kinds(coordinator)[0], "timed out after 3s");
}

#[test]
fn task_after_one_that_ended_at_its_limit_is_not_blamed() {
    begun!(coordinator, recorder, with_outputs(&[0]));
    let limit = (TaskId::new(0), Duration::from_secs(3));
    coordinator.on_exceeded(worker(0), limit, &mut recorder);
    // The report of its end was on the way when its worker was killed.
    coordinator.on_report(worker(0), output(0), &mut recorder);
    replace(&mut coordinator, worker(0), &running(1, 1), &mut recorder);
    let expected = [
        Did::Kill(0),
        Did::Resume(0, vec![(1, 1), (2, 1)]),
        Did::Value(0, 0),
    ];
    assert_eq!(recorder.look(), expected);
    assert_eq!(coordinator.unfinished, 4);
}

#[test]
fn task_is_due_when_its_inputs_are_done() {
    let limit = Duration::from_secs(5);
    let limits = |_| Limits {
        within: Some(limit),
        retry: 0,
    };
    begun!(
        coordinator,
        recorder,
        with_limits(&nodes(&[3]), |_| (1.0, 1.0), limits)
    );
    let due = |task| {
        Some(DueTask {
            task: TaskId::new(task),
            attempt: 1,
            limit: Some(limit),
        })
    };
    assert_eq!(coordinator.due_task(worker(0)), due(0));
    assert_eq!(coordinator.due_task(worker(1)), None);
    coordinator.on_report(worker(0), done(0), &mut recorder);
    assert_eq!(coordinator.due_task(worker(0)), due(1));
    assert_eq!(coordinator.due_task(worker(1)), due(2));
    assert_eq!(coordinator.due_task(worker(2)), None);
}
