//! The home of `unsafe`: what safe Rust cannot say about this process and its executable.
//!
//! Nothing here knows of graphs or messages.
//! Each block states why it is sound.

#![allow(
    unsafe_code,
    reason = "the one module that may; each block says why it is sound"
)]

mod function;
mod heap;
mod image;
mod memory;
mod process;
mod signals;
mod words;

pub(crate) use function::ErasedFunction;
pub(crate) use heap::{keep_freed_memory, release_freed_memory};
pub(crate) use image::{DescriptorAddress, build};
pub(crate) use memory::{checked_text, copied_memory, new_memory, slice_of};
#[cfg(all(test, target_os = "linux"))]
pub(crate) use process::close_all_descriptors;
#[cfg(target_os = "linux")]
pub(crate) use process::peer;
pub(crate) use process::{
    count_forks, exit_now, flush_c_output, forks, has_raised_privileges, remove_variable,
    show_name, write_lines_of_c,
};
#[cfg(all(test, unix))]
pub(crate) use signals::{ignore_children, interrupt_calls};
pub(crate) use signals::{survive_signals, without_signals};
pub(crate) use words::SharedWords;

/// A function or closure without captures, made from its type alone.
///
/// Compiles only for types of size zero.
/// The callers give it types of values that exist in the program that declared the graph;
/// a value without bytes is the same in every process of that program.
pub(crate) fn conjure<F: Copy>() -> F {
    const {
        assert!(
            size_of::<F>() == 0,
            "only a closure without captures travels by its type"
        );
    }
    // SAFETY: `F` has no bytes to initialise, and is `Copy`, so that one more value of it harms nothing;
    // its callers hold proof that one value was made: it was passed to a dispatcher, to `ErasedFunction::of` or to a capture probe.
    unsafe { std::ptr::NonNull::<F>::dangling().as_ptr().read() }
}
