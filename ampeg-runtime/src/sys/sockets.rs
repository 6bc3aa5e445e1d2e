//! Sockets of this process that another crate owns.

use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// Duplicates the descriptor of the local socket whose next message ends with these bytes.
///
/// The numbers are tried from the lowest on. Descriptors of anything else are left as they are.
pub(crate) fn socket_with(end: &[u8]) -> Option<OwnedFd> {
    /// More than any process has open.
    const MOST: u64 = 1 << 20;
    let limit = crate::sys::resources::open_files()
        .unwrap_or(MOST)
        .min(MOST);
    let numbers = 0..RawFd::try_from(limit).ok()?;
    let number = numbers.into_iter().find(|&number| has(number, end))?;
    // SAFETY: the call makes a new descriptor, or fails; it belongs to nobody else.
    unsafe {
        let copy = libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 0);
        (copy >= 0).then(|| OwnedFd::from_raw_fd(copy))
    }
}

/// Whether this number is a local socket whose next message ends with these bytes.
fn has(number: RawFd, end: &[u8]) -> bool {
    if option(number, libc::SO_DOMAIN) != Some(libc::AF_UNIX)
        || option(number, libc::SO_TYPE) != Some(libc::SOCK_SEQPACKET)
    {
        return false;
    }
    let mut bytes = [0; 256];
    // SAFETY: the kernel writes at most as many bytes as the buffer has. `MSG_PEEK` leaves the message in the socket,
    // which may belong to any code in the process. The call fails if the number is not a socket.
    let length = unsafe {
        libc::recv(
            number,
            bytes.as_mut_ptr().cast(),
            bytes.len(),
            libc::MSG_PEEK | libc::MSG_DONTWAIT,
        )
    };
    usize::try_from(length).is_ok_and(|length| bytes[..length].ends_with(end))
}

/// An option of a socket; none if the number is not a socket.
fn option(number: RawFd, option: libc::c_int) -> Option<libc::c_int> {
    let mut value: libc::c_int = 0;
    let mut length = libc::socklen_t::try_from(size_of_val(&value)).ok()?;
    // SAFETY: the kernel writes at most `length` bytes, which is the size of `value`. Both outlive the call. Reading
    // these options changes nothing.
    let result = unsafe {
        libc::getsockopt(
            number,
            libc::SOL_SOCKET,
            option,
            (&raw mut value).cast(),
            &raw mut length,
        )
    };
    (result == 0).then_some(value)
}
