//! Keeps freed memory for later values.

/// Has this process keep up to 256 MB of freed memory for the next values.
///
/// By default, the C library of GNU gives large blocks back to the system at once, and to get as many pages again takes
/// longer than most tasks take to fill them. What its own variables in the environment say goes before.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn keep_freed_memory() {
    const MOST: libc::c_int = 256 << 20;
    /// What older versions take at most as the size of a block.
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

/// Other libraries have no such parameters.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn keep_freed_memory() {}

/// Gives freed memory back to the system.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn release_freed_memory() {
    // SAFETY: `malloc_trim` takes the allocator's lock, and has no preconditions.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Other libraries keep less.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn release_freed_memory() {}
