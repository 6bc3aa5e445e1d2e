//! What a worker is running right now, in memory that its coordinator can read even after the worker's death.

use crate::id::TaskId;
use crate::message::{Running, Timestamp};
use crate::panics;
use ipc_channel::ipc::IpcSharedMemory;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// One cell that one worker writes and its coordinator reads: the attempt at a task that is running, and its start.
#[derive(Debug, Clone)]
pub(crate) struct Progress(Arc<Cell>);

#[derive(Debug)]
struct Cell {
    /// Keeps the memory mapped.
    memory: IpcSharedMemory,
    cell: NonNull<[AtomicU64; 2]>,
}

// SAFETY: the pointer is only ever used as a shared reference to an atomic, which any thread may use.
unsafe impl Send for Cell {}
// SAFETY: as above.
unsafe impl Sync for Cell {}

impl Progress {
    /// A new cell; fails if the system has no shared memory left.
    pub(crate) fn new() -> Result<Self, String> {
        panics::catch(|| IpcSharedMemory::from_byte(0, size_of::<[AtomicU64; 2]>()))
            .map_err(|_| "no shared memory".to_owned())
            .and_then(Self::of)
    }

    /// The cell in memory that another process made.
    pub(crate) fn of(mut memory: IpcSharedMemory) -> Result<Self, String> {
        // SAFETY: the slice is not used as such: it only lends its address, and no other reference to the memory
        // exists in this process.
        let bytes = unsafe { memory.deref_mut() };
        if bytes.len() < size_of::<[AtomicU64; 2]>() {
            return Err("the cell of a worker's progress is too small".into());
        }
        let cell = NonNull::from(bytes).cast::<[AtomicU64; 2]>();
        if !cell.is_aligned() {
            return Err("the cell of a worker's progress is not aligned".into());
        }
        Ok(Self(Arc::new(Cell { memory, cell })))
    }

    /// The memory, to be sent to the other side.
    pub(crate) fn memory(&self) -> IpcSharedMemory {
        self.0.memory.clone()
    }

    /// Notes the attempt at a task that begins.
    pub(crate) fn begin(&self, task: TaskId, attempt: u32, start: Timestamp) {
        let [running, since] = self.cell();
        since.store(start, Ordering::Relaxed);
        let value = u64::from(attempt) << 32 | task.index() as u64;
        running.store(value, Ordering::Release);
    }

    /// Notes that no task is running.
    pub(crate) fn end(&self) {
        self.cell()[0].store(0, Ordering::Release);
    }

    /// The attempt at a task that is running, if one is; attempts count from 1.
    pub(crate) fn running(&self) -> Option<Running> {
        let [running, since] = self.cell();
        let value = running.load(Ordering::Acquire);
        let attempt = u32::try_from(value >> 32).ok()?;
        let task = usize::try_from(value & u64::from(u32::MAX)).ok()?;
        (attempt > 0).then(|| Running {
            task: TaskId::new(task),
            attempt,
            start: since.load(Ordering::Relaxed),
        })
    }

    fn cell(&self) -> &[AtomicU64; 2] {
        // SAFETY: the memory is mapped, shared and writable for as long as `memory` lives, large enough and aligned
        // (checked in `of`), and touched by all sides through atomics only.
        unsafe { self.0.cell.as_ref() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_side_sees_what_is_running() {
        let worker = Progress::new().unwrap();
        let coordinator = Progress::of(worker.memory()).unwrap();
        assert_eq!(coordinator.running(), None);
        for (task, attempt) in [(0, 1), (70_000, 3)] {
            let task = TaskId::new(task);
            worker.begin(task, attempt, 17);
            let running = Running {
                task,
                attempt,
                start: 17,
            };
            assert_eq!(coordinator.running(), Some(running));
        }
        worker.end();
        assert_eq!(coordinator.running(), None);
    }

    #[test]
    fn memory_that_is_too_small_is_refused() {
        Progress::of(IpcSharedMemory::from_byte(0, 4)).unwrap_err();
    }
}
