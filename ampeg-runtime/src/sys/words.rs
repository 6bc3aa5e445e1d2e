//! Numbers that two processes or threads share. One side writes, and the other reads, even after the writer's death.

use super::memory::new_memory;
use ipc_channel::ipc::IpcSharedMemory;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// `N` atomic numbers, zeros at first.
#[derive(Debug, Clone)]
pub(crate) struct SharedWords<const N: usize>(Words<N>);

#[derive(Debug, Clone)]
enum Words<const N: usize> {
    /// Shared by threads of this process.
    Own(Arc<[AtomicU64; N]>),
    /// In memory that another process maps, too.
    Mapped(Arc<Mapping<N>>),
}

#[derive(Debug)]
struct Mapping<const N: usize> {
    /// Keeps the memory mapped.
    memory: IpcSharedMemory,
    words: NonNull<[AtomicU64; N]>,
}

// SAFETY: the pointer is only ever used as a shared reference to atomics, which any thread may use.
unsafe impl<const N: usize> Send for Mapping<N> {}
// SAFETY: as above.
unsafe impl<const N: usize> Sync for Mapping<N> {}

impl<const N: usize> SharedWords<N> {
    /// New words for threads of this process, without shared memory.
    pub(crate) fn own() -> Self {
        Self(Words::Own(Arc::new([const { AtomicU64::new(0) }; N])))
    }

    /// New words; fails if the system has no shared memory left.
    pub(crate) fn new() -> Result<Self, String> {
        let memory = new_memory(size_of::<[AtomicU64; N]>())?;
        Self::from_memory(memory.filled(|_| ()).0)
    }

    /// The words in memory that another process made.
    pub(crate) fn from_memory(mut memory: IpcSharedMemory) -> Result<Self, String> {
        // SAFETY: the slice is only used for its address and length, and no other reference to the memory exists in
        // this process.
        let bytes = unsafe { memory.deref_mut() };
        if bytes.len() < size_of::<[AtomicU64; N]>() {
            return Err("the shared memory of a worker's progress is too small".into());
        }
        let words = NonNull::from(bytes).cast::<[AtomicU64; N]>();
        if !words.is_aligned() {
            return Err("the shared memory of a worker's progress is not aligned".into());
        }
        Ok(Self(Words::Mapped(Arc::new(Mapping { memory, words }))))
    }

    /// The memory, to be sent to the other process; none if the words belong to this process alone.
    pub(crate) fn memory(&self) -> Option<IpcSharedMemory> {
        match &self.0 {
            Words::Own(_) => None,
            Words::Mapped(mapping) => Some(mapping.memory.clone()),
        }
    }

    pub(crate) fn words(&self) -> &[AtomicU64; N] {
        match &self.0 {
            Words::Own(words) => words,
            // SAFETY: the memory is mapped, shared and writable for as long as `memory` lives, large enough and aligned
            // (checked in `from_memory`), and touched by all sides through atomics only.
            Words::Mapped(mapping) => unsafe { mapping.words.as_ref() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    #[test]
    fn other_side_sees_what_is_written() {
        let writer = SharedWords::<3>::new().unwrap();
        let reader = SharedWords::<3>::from_memory(writer.memory().unwrap()).unwrap();
        writer.words()[2].store(7, Ordering::Relaxed);
        let seen = reader
            .words()
            .each_ref()
            .map(|word| word.load(Ordering::Relaxed));
        assert_eq!(seen, [0, 0, 7]);
    }

    #[test]
    fn own_words_are_seen_by_clones_and_cannot_be_sent() {
        let writer = SharedWords::<2>::own();
        writer.clone().words()[1].store(7, Ordering::Relaxed);
        assert_eq!(writer.words()[1].load(Ordering::Relaxed), 7);
        assert!(writer.memory().is_none());
    }

    #[test]
    fn memory_that_is_too_small_is_refused() {
        SharedWords::<1>::from_memory(IpcSharedMemory::from_byte(0, 4)).unwrap_err();
    }
}
