//! Keeps freed memory for later values.

/// Makes this process keep up to 256 MB of freed memory for later values.
///
/// By default, the GNU C library returns large blocks to the system at once. Getting the same number of pages again
/// takes longer than most tasks take to fill them. If a variable in the environment configures the allocator, nothing
/// is changed.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn keep_freed_memory() {
    const MOST: libc::c_int = 256 << 20;
    /// The largest threshold that older versions accept.
    const MOST_ONCE: libc::c_int = 32 << 20;
    let names = [
        "GLIBC_TUNABLES",
        "MALLOC_MMAP_THRESHOLD_",
        "MALLOC_TRIM_THRESHOLD_",
    ];
    if names.iter().any(|name| std::env::var_os(name).is_some()) {
        return;
    }
    // SAFETY: `mallopt` sets parameters of the allocator, takes its lock, and has no preconditions.
    unsafe {
        if libc::mallopt(libc::M_MMAP_THRESHOLD, MOST) == 0 {
            libc::mallopt(libc::M_MMAP_THRESHOLD, MOST_ONCE);
        }
        libc::mallopt(libc::M_TRIM_THRESHOLD, MOST);
    }
}

/// Other C libraries have no such parameters.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn keep_freed_memory() {}

/// Returns freed memory to the system.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn release_freed_memory() {
    // SAFETY: `malloc_trim` takes the allocator's lock, and has no preconditions.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Other C libraries keep less freed memory.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn release_freed_memory() {}
