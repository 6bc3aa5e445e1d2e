//! Workers as processes, connected by ipc-channel.
//!
//! Each process has one inbound channel, and the other processes have senders of it, so one receiver gets all
//! messages in order. A send blocks while the receiver's buffer is full. So each worker has a second thread that
//! receives while a task runs.
//! A second channel shows that the coordinator is alive. Only the coordinator holds the sender of a worker's
//! lifeline, so the end of this channel means that the coordinator is gone. The coordinator learns from the process
//! table that a worker is gone.

use crate::base::failure::add_to_last_words;
use crate::base::logging;
use crate::base::run_error::RunErrorKind;
use crate::run::cluster::{Captured, Cluster, ClusterEvent, Exit};
use crate::run::message::{AttemptReport, Epoch, ToWorker, Value};
use crate::run::progress::{Activity, Progress};
use crate::sys::resources::{self, WorkerLimits};
use crate::transport::entry::CANNOT;
use crate::transport::output::WorkerOutput;
use crate::transport::process::Process;
use crate::transport::setup::{self, Hook, Setup};
use crate::transport::start;
use ampeg_schedule::{Error, ProcessorId, TaskGraph};
use connection::Connection;
use ipc_channel::ipc::{self, IpcReceiver, IpcSender};
use parcel::{Loss, Parcel, receive, receive_until, send};
use rendezvous::{Arrival, Rendezvous};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

mod connection;
mod descriptors;
mod inbox;
pub(crate) mod link;
mod outbox;
mod parcel;
mod rendezvous;

pub(crate) use rendezvous::is_from_parent;

/// A message to a worker process.
#[derive(Debug, Serialize, Deserialize)]
enum ToWorkerProcess {
    /// The first message: the worker's number and settings, and the channel to the coordinator.
    Welcome {
        worker: ProcessorId,
        generation: u32,
        limits: WorkerLimits,
        hook: Option<Hook>,
        marks_output: bool,
        coordinator: IpcSender<Parcel<ToCoordinator>>,
    },
    /// The channels to other workers from now on.
    Peers {
        peers: Vec<(ProcessorId, IpcSender<Parcel<ToWorkerProcess>>)>,
        epoch: Epoch,
    },
    /// From the coordinator.
    Message(ToWorker),
    /// Results from another worker.
    Values {
        from: ProcessorId,
        values: Vec<Value>,
    },
}

/// A message to the coordinator's process.
#[derive(Debug, Serialize, Deserialize)]
enum ToCoordinator {
    /// From a worker, in the order in which it made the reports.
    Reports {
        worker: ProcessorId,
        generation: u32,
        reports: Vec<AttemptReport>,
    },
    /// From a worker that can run tasks now.
    Ready {
        worker: ProcessorId,
        generation: u32,
    },
    /// From the thread that accepts connections: the process of a worker has sent its first message, usually a hello.
    Arrived {
        worker: ProcessorId,
        generation: u32,
    },
    /// From the thread that watches the process. It comes after all messages of the worker.
    Exited {
        worker: ProcessorId,
        generation: u32,
        exit: Exit,
    },
    Woken,
}

/// The largest number of descriptors in a message of ipc-channel.
const MAX_DESCRIPTORS: usize = 64;
/// The time that a worker has to stop.
const STOP_TIME: Duration = Duration::from_secs(2);
/// The time from the start of a worker to its hello.
const START_TIME: Duration = Duration::from_secs(20);
/// The likely mistake of a program whose worker ends before it connects.
const HINT: &str = if cfg!(feature = "before-main") {
    ""
} else {
    " (does `main` begin with `ampeg::worker_process::enter()`?)"
};
/// The time after which messages that a worker did not accept are sent again.
const RETRY_TIME: Duration = Duration::from_millis(2);

/// Worker processes.
#[derive(Debug)]
pub(crate) struct IpcCluster {
    workers: Vec<ProcessWorker>,
    /// Present until the drop.
    channels: Option<Channels>,
    /// The output of the workers; present until the drop.
    output: Option<WorkerOutput>,
    /// The epoch of the last introduction.
    epoch: Epoch,
    setup: Setup,
    is_woken: Arc<AtomicBool>,
    is_broken: bool,
    /// Whether a worker has a backlog or is starting.
    needs_tending: bool,
    /// Events that need no channel.
    events: VecDeque<ClusterEvent>,
}

#[derive(Debug)]
struct Channels {
    inbound: IpcReceiver<Parcel<ToCoordinator>>,
    inbound_sender: IpcSender<Parcel<ToCoordinator>>,
    rendezvous: Rendezvous,
    arrivals: Arrivals,
}

/// By worker and generation: the hello of a process, or the reason why its message was no hello.
type Arrivals = Arc<Mutex<HashMap<(ProcessorId, u32), Result<Arrival, String>>>>;

/// One worker, and its process.
#[derive(Debug, Default)]
struct ProcessWorker {
    /// The number of processes so far. Messages of earlier processes are dropped.
    generation: u32,
    /// None if the worker is absent.
    process: Option<Process>,
    /// The progress of the start; none once the worker is ready.
    start: Option<Start>,
    /// None before the hello of the process.
    connection: Option<Connection>,
    /// The progress words of this process. Before its hello, these are the words of the previous process.
    progress: Option<Progress>,
    since: Option<Epoch>,
    /// The number of reports received from this process.
    reports: u64,
    /// The reason why this side ends the process.
    end_reason: Option<String>,
}

/// The state of a worker that is not ready yet.
#[derive(Debug)]
enum Start {
    /// The process must say hello by this time.
    Connecting(Instant),
    /// The worker runs the program's function for new workers, which may take any time.
    Preparing,
}

impl ProcessWorker {
    fn end(&mut self, reason: String) {
        if let Some(process) = &self.process {
            process.kill();
            self.end_reason.get_or_insert(reason);
        }
    }
}

impl IpcCluster {
    /// Starts all workers at the same time, and returns when all are ready.
    pub(crate) fn start(n_workers: usize, setup: Setup) -> Result<Self, Error> {
        start::check().map_err(RunErrorKind::NoWorker)?;
        let started = Self::try_start_all(n_workers, setup);
        // If the system denies something that workers need, this is a better reason than the failure that followed.
        started.map_err(|error| match start::missing() {
            Some(reason) => RunErrorKind::NoWorker(reason).into(),
            None => error,
        })
    }

    fn try_start_all(n_workers: usize, setup: Setup) -> Result<Self, Error> {
        descriptors::check(n_workers)?;
        let (inbound_sender, inbound) = ipc::channel().map_err(no_channel)?;
        let channels = Channels {
            inbound,
            inbound_sender,
            rendezvous: Rendezvous::open()?,
            arrivals: Arrivals::default(),
        };
        let is_woken = Arc::default();
        let wake_run = waker(channels.inbound_sender.clone(), Arc::clone(&is_woken));
        let output = WorkerOutput::new(wake_run, setup.output).map_err(no_channel)?;
        let mut cluster = Self {
            workers: (0..n_workers).map(|_| ProcessWorker::default()).collect(),
            channels: Some(channels),
            output: Some(output),
            epoch: 1,
            setup,
            is_woken,
            is_broken: false,
            needs_tending: false,
            events: VecDeque::new(),
        };
        for index in 0..n_workers {
            Cluster::start(&mut cluster, ProcessorId::new(index));
        }
        let mut n_joined = 0;
        while n_joined < n_workers {
            match cluster.receive_event(None) {
                Some(ClusterEvent::Joined(_)) => n_joined += 1,
                Some(ClusterEvent::Exited(_, exit)) => {
                    return Err(RunErrorKind::NoWorker(exit.to_string()).into());
                }
                Some(ClusterEvent::Lost(reason)) => return Err(RunErrorKind::Lost(reason).into()),
                _ => {}
            }
        }
        for index in 0..n_workers {
            cluster.workers[index].since = Some(cluster.epoch);
            cluster.send_peers(ProcessorId::new(index));
        }
        Ok(cluster)
    }

    fn channels(&self) -> &Channels {
        self.channels
            .as_ref()
            .expect("they are there until the drop")
    }

    fn output(&self) -> &WorkerOutput {
        self.output.as_ref().expect("it is there until the drop")
    }

    fn try_start(&mut self, worker: ProcessorId) -> Result<(), String> {
        descriptors::check(1).map_err(|error| error.to_string())?;
        self.workers[worker.index()].generation += 1;
        let generation = self.workers[worker.index()].generation;
        let exits = self.channels().inbound_sender.clone();
        let on_exit = move |exit| {
            let exited = ToCoordinator::Exited {
                worker,
                generation,
                exit,
            };
            // If the coordinator is gone, nobody needs the message.
            let _ = send(&exits, exited);
        };
        let arrived = self.channels().inbound_sender.clone();
        let arrivals = Arc::clone(&self.channels().arrivals);
        let on_arrival = move |arrival| {
            let mut arrivals = arrivals.lock().unwrap_or_else(PoisonError::into_inner);
            arrivals.insert((worker, generation), arrival);
            drop(arrivals);
            let message = ToCoordinator::Arrived { worker, generation };
            let _ = send(&arrived, message);
        };
        let start = |invitation: rendezvous::Invitation| {
            let rendezvous::Invitation { address, stdin } = invitation;
            Process::start((&address, stdin), &self.setup, self.output(), on_exit)
        };
        let process = self.channels().rendezvous.start(start, on_arrival);
        let process = process.map_err(|error| no_process(&error))?;
        let pid = process.pid();
        logging::debug(format_args!("worker {worker} is started as process {pid}"));
        let state = &mut self.workers[worker.index()];
        state.process = Some(process);
        state.start = Some(Start::Connecting(Instant::now() + START_TIME));
        self.needs_tending = true;
        Ok(())
    }

    /// Handles the hello of a worker: sends it its number.
    fn on_arrived(&mut self, worker: ProcessorId, generation: u32) {
        let arrived = {
            let mut arrivals = self.channels().arrivals.lock();
            let arrivals = arrivals.as_mut().unwrap_or_else(|error| error.get_mut());
            arrivals.remove(&(worker, generation))
        };
        let Some(arrived) = arrived else {
            return;
        };
        let state = &mut self.workers[worker.index()];
        if state.generation != generation || state.process.is_none() {
            return;
        }
        state.start = Some(Start::Preparing);
        let connected = arrived.and_then(|arrival| {
            let progress = arrival.hello.progress.clone();
            Ok((Progress::from_memory(progress)?, Connection::new(arrival)?))
        });
        match connected {
            Ok((progress, connection)) => {
                state.progress = Some(progress);
                state.connection = Some(connection);
            }
            Err(reason) => {
                state.end(reason);
                return;
            }
        }
        let welcome = ToWorkerProcess::Welcome {
            worker,
            generation,
            limits: self.setup.limits,
            hook: self.setup.hook,
            marks_output: self.setup.output != setup::Output::Inherited,
            coordinator: self.channels().inbound_sender.clone(),
        };
        self.send_to(worker, welcome);
        logging::debug(format_args!("worker {worker} is connected"));
    }

    /// Handles a worker that can run tasks.
    fn on_ready(&mut self, worker: ProcessorId) -> Option<ClusterEvent> {
        let state = &mut self.workers[worker.index()];
        // A worker that is being ended does not join.
        state
            .connection
            .as_ref()
            .filter(|_| state.end_reason.is_none())?;
        state.start = None;
        Some(ClusterEvent::Joined(worker))
    }

    fn on_exited(&mut self, worker: ProcessorId, mut exit: Exit) -> ClusterEvent {
        // Before the hello of a process, the progress words are those of the previous process.
        let is_connected = self.workers[worker.index()].connection.is_some();
        if let Some(process) = self.workers[worker.index()].process.take() {
            self.channels().rendezvous.forget(process.pid());
            let running = is_connected
                .then(|| self.activity(worker).running)
                .flatten();
            exit.stderr = process.stderr_since(running.map_or(0, |running| running.start));
        }
        let state = &mut self.workers[worker.index()];
        if let Some(start) = state.start.take()
            && state.end_reason.is_none()
            && !exit.is_kill()
        {
            exit.reason = Some(reason_of_start(&mut exit, &start));
        }
        exit.reason = state.end_reason.take().or(exit.reason);
        if is_connected {
            exit.panics = state
                .progress
                .as_ref()
                .map(Progress::panics)
                .unwrap_or_default();
        }
        if exit.may_be_for_lack_of_memory()
            && let Some(limit) = resources::memory_limit_in_words(self.setup.limits.memory)
        {
            add_to_last_words(&mut exit.stderr, &limit);
        }
        if exit.may_be_for_lack_of_time()
            && let Some(limit) = resources::time_limit_in_words()
        {
            add_to_last_words(&mut exit.stderr, &limit);
        }
        (state.connection, state.since, state.reports) = (None, None, 0);
        logging::debug(format_args!("worker {worker} has ended: {exit}"));
        ClusterEvent::Exited(worker, exit)
    }

    /// Sends a worker the addresses of the others that are present.
    fn send_peers(&mut self, to: ProcessorId) {
        let others = self.workers.iter().enumerate();
        let others = others.filter(|(index, _)| *index != to.index());
        let peers: Vec<_> = others
            .filter_map(|(index, state)| {
                let sender = state.connection.as_ref()?.sender().clone();
                Some((ProcessorId::new(index), sender))
            })
            .collect();
        for peers in peers.chunks(MAX_DESCRIPTORS) {
            let (peers, epoch) = (peers.to_vec(), self.epoch);
            self.send_to(to, ToWorkerProcess::Peers { peers, epoch });
        }
    }

    fn send_to(&mut self, to: ProcessorId, message: ToWorkerProcess) {
        let state = &mut self.workers[to.index()];
        if let Some(connection) = &mut state.connection {
            match connection.send(message) {
                Ok(()) => self.needs_tending |= connection.has_backlog(),
                Err(reason) => state.end(format!("a message to it could not be sent: {reason}")),
            }
        }
    }

    /// The next event. When a worker joins, the caller must send it its peers.
    fn receive_event(&mut self, timeout: Option<Duration>) -> Option<ClusterEvent> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            let wake = self.tend();
            let received = match deadline.into_iter().chain(wake).min() {
                Some(until) => receive_until(&self.channels().inbound, until),
                None => receive(&self.channels().inbound),
            };
            match received {
                Some(Ok(message)) => {
                    if let Some(event) = self.on_message(message) {
                        return Some(event);
                    }
                }
                Some(Err(Loss::Message(reason))) => self.on_lost_message(&reason),
                Some(Err(Loss::Channel(reason))) => {
                    self.is_broken = true;
                    return Some(ClusterEvent::Lost(reason));
                }
                None if deadline.is_some_and(|deadline| deadline <= Instant::now()) => return None,
                None => {}
            }
        }
    }

    /// The event of a message. Messages of earlier processes are dropped.
    fn on_message(&mut self, message: ToCoordinator) -> Option<ClusterEvent> {
        let is_present =
            |worker: ProcessorId, generation| self.workers[worker.index()].generation == generation;
        match message {
            ToCoordinator::Reports {
                worker,
                generation,
                reports,
            } => is_present(worker, generation).then(|| {
                self.workers[worker.index()].reports += reports.len() as u64;
                ClusterEvent::Reports(worker, reports)
            }),
            ToCoordinator::Arrived { worker, generation } => {
                self.on_arrived(worker, generation);
                None
            }
            ToCoordinator::Ready { worker, generation } => {
                is_present(worker, generation).then(|| self.on_ready(worker))?
            }
            ToCoordinator::Exited {
                worker,
                generation,
                exit,
            } => is_present(worker, generation).then(|| self.on_exited(worker, exit)),
            ToCoordinator::Woken => {
                self.is_woken.store(false, Ordering::Release);
                self.output().print();
                Some(ClusterEvent::Woken)
            }
        }
    }

    /// Handles the loss of a worker's message. The message had reports, because no other messages bring memory.
    ///
    /// The sender is unknown, so this ends all workers of which some reports have not arrived. Their replacements run
    /// the tasks that are not reported. If their results are too large again, the deaths use up the attempts of the
    /// task.
    fn on_lost_message(&mut self, reason: &str) {
        for index in 0..self.workers.len() {
            let made = self.activity(ProcessorId::new(index)).reports;
            let state = &mut self.workers[index];
            if state.reports < made {
                state.end(format!(
                    "a result could not be taken over from it: {reason}"
                ));
            }
        }
    }

    /// Sends messages that workers did not accept before, and ends workers that do not say hello in time. Returns the
    /// time for the next call.
    fn tend(&mut self) -> Option<Instant> {
        if !self.needs_tending {
            return None;
        }
        let mut wake = None;
        for state in &mut self.workers {
            if let Some(connection) = &mut state.connection
                && connection.has_backlog()
            {
                match connection.send_backlog() {
                    Ok(()) if connection.has_backlog() => {
                        let retry = Instant::now() + RETRY_TIME;
                        wake = wake.into_iter().chain([retry]).min();
                    }
                    Ok(()) => {}
                    Err(reason) => {
                        state.end(format!("a message to it could not be sent: {reason}"));
                    }
                }
            }
            if let Some(Start::Connecting(deadline)) = state.start {
                if deadline <= Instant::now() {
                    state.end(format!("it did not connect within {START_TIME:?}"));
                } else {
                    wake = wake.into_iter().chain([deadline]).min();
                }
            }
        }
        self.needs_tending = wake.is_some();
        wake
    }
}

#[cfg(test)]
impl IpcCluster {
    /// Sends a worker random bytes, which are most likely not a message.
    pub(crate) fn send_bytes(&self, to: ProcessorId, bytes: Vec<u8>) {
        if let Some(connection) = &self.workers[to.index()].connection {
            let sender: IpcSender<Vec<u8>> = connection.sender().clone().to_opaque().to();
            // If the worker is gone, it has refused earlier bytes.
            let _ = sender.send(bytes);
        }
    }
}

impl Cluster for IpcCluster {
    fn n_workers(&self) -> usize {
        self.workers.len()
    }

    fn send(&mut self, to: ProcessorId, message: ToWorker) {
        self.send_to(to, ToWorkerProcess::Message(message));
    }

    fn receive(&mut self, timeout: Option<Duration>) -> Option<ClusterEvent> {
        let event = self.receive_event(timeout);
        if let Some(ClusterEvent::Joined(worker)) = event {
            self.send_peers(worker);
        }
        event
    }

    fn start(&mut self, worker: ProcessorId) {
        if let Err(reason) = self.try_start(worker) {
            let exit = Exit {
                reason: Some(reason),
                ..Exit::default()
            };
            self.events.push_back(ClusterEvent::Exited(worker, exit));
        }
    }

    fn introduce(&mut self, worker: ProcessorId) -> Epoch {
        self.epoch += 1;
        let epoch = self.epoch;
        let state = &mut self.workers[worker.index()];
        if let Some(connection) = &state.connection {
            state.since = Some(epoch);
            let sender = connection.sender().clone();
            for other in (0..self.workers.len()).filter(|&other| other != worker.index()) {
                let peers = vec![(worker, sender.clone())];
                self.send_to(
                    ProcessorId::new(other),
                    ToWorkerProcess::Peers { peers, epoch },
                );
            }
        }
        epoch
    }

    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn since(&self, worker: ProcessorId) -> Option<Epoch> {
        self.workers[worker.index()].since
    }

    fn kill(&mut self, worker: ProcessorId) -> bool {
        if let Some(process) = &self.workers[worker.index()].process {
            process.kill();
        }
        true
    }

    fn is_full(&self, worker: ProcessorId) -> bool {
        let connection = self.workers[worker.index()].connection.as_ref();
        connection.is_some_and(|connection| !connection.takes_more())
    }

    fn activity(&self, worker: ProcessorId) -> Activity {
        let progress = self.workers[worker.index()].progress.as_ref();
        progress.map_or_else(Activity::default, Progress::activity)
    }

    #[cfg(test)]
    fn pid(&self, worker: ProcessorId) -> Option<u32> {
        let process = self.workers[worker.index()].process.as_ref();
        process.map(Process::pid)
    }

    fn waker(&self) -> Box<dyn Fn() + Send + Sync> {
        let inbound = self.channels().inbound_sender.clone();
        waker(inbound, Arc::clone(&self.is_woken))
    }

    fn begin_run(&mut self, prints: bool, graph: &Arc<TaskGraph>) {
        self.output().begin_run(prints, graph);
    }

    fn end_run(&mut self) -> Captured {
        self.output().end_run()
    }
}

/// A function that makes a cluster's `receive` return early.
fn waker(
    inbound: IpcSender<Parcel<ToCoordinator>>,
    is_woken: Arc<AtomicBool>,
) -> Box<dyn Fn() + Send + Sync> {
    let inbound = Mutex::new(inbound);
    Box::new(move || {
        // One wake-up message on its way is enough, so the socket is never full of them.
        if !is_woken.swap(true, Ordering::AcqRel) {
            let inbound = inbound.lock().unwrap_or_else(PoisonError::into_inner);
            // If the cluster is gone, nobody needs to be woken.
            let _ = send(&inbound, ToCoordinator::Woken);
        }
    })
}

impl Drop for IpcCluster {
    fn drop(&mut self) {
        for index in 0..self.workers.len() {
            let worker = ProcessorId::new(index);
            // A worker without a running task ends by itself and runs its exit handlers, such as one that writes a
            // profile.
            let is_free = self.activity(worker).running.is_none();
            let state = &self.workers[index];
            if state.connection.is_some() && is_free && !self.is_broken {
                Cluster::send(self, worker, ToWorker::Stop);
            } else if let Some(process) = &state.process {
                process.kill();
            }
        }
        let processes = self.workers.iter().filter_map(|it| it.process.as_ref());
        Process::end_all(processes, Instant::now() + STOP_TIME);
        if self.is_broken {
            // Other code may own these descriptors by now, so they are not closed.
            std::mem::forget((
                std::mem::take(&mut self.workers),
                self.channels.take(),
                self.output.take(),
            ));
        }
    }
}

fn no_process(error: &std::io::Error) -> String {
    let reason = resources::refused(error);
    format!("no process could be started: {reason}")
}

/// The reason why a process ended before it was ready, as the process printed it, if it did.
fn reason_of_start(exit: &mut Exit, start: &Start) -> String {
    let mut lines = exit.stderr.lines().rev();
    if let Some(reason) = lines.find_map(|line| line.strip_prefix(CANNOT)) {
        let reason = reason.to_owned();
        exit.stderr.clear();
        return reason;
    }
    match start::reason_of(exit.code) {
        Some(reason) if exit.stderr.trim().is_empty() => reason.to_owned(),
        _ => match start {
            Start::Connecting(_) => format!("{} before it connected{HINT}", exit.how()),
            Start::Preparing => format!("{} before its first task", exit.how()),
        },
    }
}

fn no_channel(error: impl std::fmt::Display) -> Error {
    RunErrorKind::NoWorker(format!("no channel could be made: {error}")).into()
}
