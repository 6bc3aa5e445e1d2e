//! All `unsafe` code: operations on this process and its executable that safe Rust cannot express.
//!
//! Nothing here depends on graphs or messages.
//! Each block states why it is sound.

#![allow(
    unsafe_code,
    reason = "the one module that may; each block says why it is sound"
)]

#[cfg(feature = "before-main")]
mod constructor;
mod function;
mod heap;
mod image;
mod memory;
mod pages;
mod process;
pub(crate) mod resources;
mod signals;
#[cfg(target_os = "linux")]
mod sockets;
pub(crate) mod thread;
mod words;

#[cfg(feature = "before-main")]
pub(crate) use constructor::Arguments;
pub(crate) use function::ErasedFunction;
pub(crate) use heap::{keep_freed_memory, release_freed_memory};
pub(crate) use image::{
    Anchored, ConstantAddress, FunctionAddress, build, library_of, offset_in_executable,
};
#[cfg(target_os = "linux")]
pub(crate) use image::{is_start_of_executable, is_without_loader};
pub(crate) use memory::{checked_text, copied_memory, new_memory, slice_of};
pub(crate) use pages::Pages;
#[cfg(all(test, target_os = "linux"))]
pub(crate) use process::close_all_descriptors;
#[cfg(target_os = "linux")]
pub(crate) use process::may_regain_privileges;
pub(crate) use process::{
    count_forks, different_ids, exit_now, exit_with_group, flush_c_output, forks,
    has_raised_privileges, kill_group_of, lead_group, remove_variable, show_name, write_lines_of_c,
};
#[cfg(all(test, unix))]
pub(crate) use signals::{ignore_children, interrupt_calls};
pub(crate) use signals::{survive_signals, without_signals};
#[cfg(target_os = "linux")]
pub(crate) use sockets::socket_with;
pub(crate) use words::SharedWords;

/// A function or closure without captures, made from its type alone.
///
/// The callers pass types whose values exist in the program that declared the graph. A value without bytes is the
/// same in every process of that program.
///
/// # Panics
///
/// If the type has a size. The callers reject such a type at compile time, with their own message.
pub(crate) fn conjure<F: Copy>() -> F {
    assert!(
        size_of::<F>() == 0,
        "only a closure without captures travels by its type"
    );
    // SAFETY: `F` has no bytes to initialise, and is `Copy`, so that one more value of it harms nothing;
    // its callers hold proof that one value was made: it was passed to a dispatcher, to `ErasedFunction::of` or to a capture probe.
    unsafe { std::ptr::NonNull::<F>::dangling().as_ptr().read() }
}
