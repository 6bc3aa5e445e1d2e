//! A listening socket whose file has no name.

use rustix::fs::{AtFlags, CWD, Mode, OFlags, chmodat, openat, unlinkat};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen};
use std::fs::DirBuilder;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// A socket, and a descriptor of its file that is good for nothing but to connect.
#[derive(Debug)]
pub(super) struct Listener {
    /// Never waits.
    pub(super) socket: OwnedFd,
    pub(super) address: OwnedFd,
}

/// How many connections may wait to be accepted; the system may have a lower limit.
const BACKLOG: i32 = 4096;
/// The name of the file while it has one.
const SOCKET: &str = "socket";

impl Listener {
    /// Opens one in the first folder for temporary files that allows it, and leaves nothing there.
    pub(super) fn open() -> Result<Self, String> {
        let mut reasons = Vec::new();
        for folder in folders() {
            match Self::open_in(&folder) {
                Ok(listener) => return Ok(listener),
                Err(error) => reasons.push(format!("in {}: {error}", folder.display())),
            }
        }
        Err(format!(
            "a socket cannot be made: {}: is one of these a folder that this program may write to, and are \
             descriptors left? TMPDIR says where temporary files go",
            reasons.join(", ")
        ))
    }

    fn open_in(folder: &Path) -> io::Result<Self> {
        use rustix::net::socket_with;
        let folder = PrivateFolder::make(folder)?;
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let inside = openat(CWD, &folder.0, flags | OFlags::DIRECTORY, Mode::empty())?;
        let kind = SocketType::SEQPACKET;
        let flags_of_socket = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, kind, flags_of_socket, None)?;
        // The folder's own path may be too long for the address of a socket.
        let name = format!("/proc/self/fd/{}/{SOCKET}", inside.as_raw_fd());
        bind(&socket, &SocketAddrUnix::new(name)?)?;
        let owner = Mode::RUSR | Mode::WUSR;
        let address = chmodat(&inside, SOCKET, owner, AtFlags::empty())
            .and_then(|()| openat(&inside, SOCKET, flags, Mode::empty()));
        unlinkat(&inside, SOCKET, AtFlags::empty())?;
        let address = address?;
        // From now on it can be reached, by its descriptors only.
        listen(&socket, BACKLOG)?;
        Ok(Self { socket, address })
    }
}

/// Where a file may be made for a moment.
fn folders() -> Vec<PathBuf> {
    let own = format!("/run/user/{}", rustix::process::getuid().as_raw());
    let others = ["/dev/shm", &own, "/tmp", "/var/tmp"].map(PathBuf::from);
    [std::env::temp_dir()].into_iter().chain(others).collect()
}

/// A new folder that no other user can look into; it is removed when it is dropped.
struct PrivateFolder(PathBuf);

impl PrivateFolder {
    fn make(inside: &Path) -> io::Result<Self> {
        for _ in 0..16 {
            // The standard library keys its hash maps from the system's random source.
            let name = RandomState::new().hash_one(std::process::id());
            let path = inside.join(format!(".ampeg-{name:016x}"));
            match DirBuilder::new().mode(0o700).create(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                result => {
                    result?;
                    let folder = Self(path);
                    // The process may be set to make files that it cannot use itself.
                    chmodat(CWD, &folder.0, Mode::RWXU, AtFlags::empty())?;
                    return Ok(folder);
                }
            }
        }
        Err(ErrorKind::AlreadyExists.into())
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        // It is empty, unless somebody of the same user has put something there.
        let _ = std::fs::remove_dir(&self.0);
    }
}
