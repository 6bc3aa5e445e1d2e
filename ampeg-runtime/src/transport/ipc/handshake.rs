//! How a worker process and its coordinator find each other, in bounded time.
//!
//! The coordinator opens a one-shot server and names it in the worker's environment, together with a secret;
//! the worker connects and sends, with the secret, the channels to reach it by.

use super::{ToWorkerProcess, guarded};
use crate::error::Error;
use crate::process::Process;
use crate::run_error::RunErrorKind;
use crate::sys;
use ipc_channel::ipc::{IpcOneShotServer, IpcSender, IpcSharedMemory};
use serde::{Deserialize, Serialize};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long a worker may take from its start to its hello.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often to look whether it still lives in the meantime.
const LOOK: Duration = Duration::from_millis(20);

/// The first message of a worker.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::transport) struct Hello {
    pub(in crate::transport) secret: u128,
    pub(in crate::transport) build: u64,
    pub(in crate::transport) inbound: IpcSender<ToWorkerProcess>,
    pub(in crate::transport) lifeline: IpcSender<()>,
    pub(in crate::transport) progress: IpcSharedMemory,
}

/// What the variable in a worker's environment says.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::transport) struct Invitation {
    pub(in crate::transport) coordinator: u32,
    pub(in crate::transport) secret: u128,
    pub(in crate::transport) server: String,
}

impl Invitation {
    pub(in crate::transport) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ':');
        Some(Self {
            coordinator: parts.next()?.parse().ok()?,
            secret: u128::from_str_radix(parts.next()?, 16).ok()?,
            server: parts.next()?.to_owned(),
        })
    }
}

impl std::fmt::Display for Invitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{:x}:{}", self.coordinator, self.secret, self.server)
    }
}

/// A worker process that has been started and has not said hello yet.
#[derive(Debug)]
pub(in crate::transport) struct Guest {
    process: Process,
    invitation: Invitation,
    hello: Receiver<Result<Hello, String>>,
    is_admitted: bool,
    /// Goes last, when nobody needs it any more.
    _socket: SocketFile,
}

impl Guest {
    /// Starts a worker process.
    pub(in crate::transport) fn invite() -> Result<Self, Error> {
        Self::invite_by(Process::start)
    }

    fn invite_by(start: impl FnOnce(&str) -> io::Result<Process>) -> Result<Self, Error> {
        check_folder()?;
        let (server, name) = open_server()?;
        let socket = SocketFile(name.clone().into());
        let invitation = Invitation {
            coordinator: std::process::id(),
            secret: secret(),
            server: name,
        };
        let process = start(&invitation.to_string()).map_err(|error| {
            RunErrorKind::NoWorker(format!("no process could be started: {error}"))
        })?;
        let (sender, hello) = channel();
        let accept = std::thread::Builder::new().name("ampeg accept".into());
        let accept = accept.spawn(move || {
            let accepted = guarded(|| server.accept().map(|(_, hello)| hello));
            let accepted = accepted.and_then(|hello| hello.map_err(|error| error.to_string()));
            // If the guest has been given up, nobody waits any more.
            let _ = sender.send(accepted);
        });
        let guest = Self {
            process,
            invitation,
            hello,
            is_admitted: false,
            _socket: socket,
        };
        match accept {
            Ok(_) => Ok(guest),
            Err(error) => Err(refusal(&error.to_string())),
        }
    }

    /// Waits for its hello.
    pub(in crate::transport) fn connect(self) -> Result<(Process, Hello), Error> {
        self.connect_within(PATIENCE)
    }

    fn connect_within(mut self, patience: Duration) -> Result<(Process, Hello), Error> {
        let hello = self.wait(patience).map_err(|why| refusal(&why))?;
        self.is_admitted = true;
        Ok((self.process.clone(), hello))
    }

    /// Its hello, or why there is none that is good.
    fn wait(&self, patience: Duration) -> Result<Hello, String> {
        let deadline = Instant::now() + patience;
        loop {
            match self.hello.recv_timeout(LOOK) {
                Ok(hello) => return hello.and_then(|hello| self.check(hello)),
                Err(RecvTimeoutError::Disconnected) => return Err("it did not connect".into()),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if let Some(exit) = self.process.exit() {
                return Err(match (exit.signal, exit.code) {
                    (Some(signal), _) => {
                        format!("it was killed by signal {signal} before it connected")
                    }
                    (_, Some(code)) => format!("it exited with code {code} before it connected"),
                    _ => "it ended before it connected".into(),
                });
            }
            if Instant::now() >= deadline {
                return Err(format!("it did not connect within {patience:?}"));
            }
        }
    }

    fn check(&self, hello: Hello) -> Result<Hello, String> {
        if hello.secret != self.invitation.secret {
            return Err("a stranger connected in its place".into());
        }
        if hello.build != sys::build() {
            return Err("it is another build of this program".into());
        }
        Ok(hello)
    }
}

/// A guest that is not let in leaves nothing behind: no process, no thread that waits for it, no socket.
impl Drop for Guest {
    fn drop(&mut self) {
        if self.is_admitted {
            return;
        }
        self.process.kill();
        while self.process.exit().is_none() {
            std::thread::yield_now();
        }
        // The accepting thread may still wait for somebody: this is somebody. Without a descriptor left it cannot be
        // told, and waits until the program ends.
        if let Ok(server) = IpcSender::<()>::connect(self.invitation.server.clone()) {
            // Its answer is of no interest any more.
            let _ = guarded(|| server.send(()));
            let _ = self.hello.recv_timeout(LOOK * 50);
        }
    }
}

/// The file of a socket and the folder made for it, which ipc-channel cannot remove without a descriptor left.
#[derive(Debug)]
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Nearly always both are gone by now.
        let _ = std::fs::remove_file(&self.0);
        let _ = self.0.parent().map(std::fs::remove_dir);
    }
}

/// The error of a worker that is not let in.
fn refusal(why: &str) -> Error {
    let hint = if cfg!(feature = "before-main") {
        "does this program do anything before `main`, such as another constructor that does not return?"
    } else {
        "does `main` begin with `ampeg::worker_process::enter()`?"
    };
    RunErrorKind::NoWorker(format!("{why} ({hint})")).into()
}

/// Opens a socket where temporary files go; ipc-channel panics if that is no folder to write to.
fn open_server() -> Result<(IpcOneShotServer<Hello>, String), Error> {
    let opened = guarded(IpcOneShotServer::new)
        .unwrap_or_else(|_| Err(io::Error::other("a socket cannot be made there")));
    opened.map_err(|reason| {
        let folder = std::env::temp_dir();
        let reason = format!(
            "{reason}: is {} a folder that this program may write to, and are descriptors left? \
             TMPDIR says where temporary files go",
            folder.display()
        );
        RunErrorKind::NoWorker(reason).into()
    })
}

/// A path that is too long for a socket would be cut without a word.
fn check_folder() -> Result<(), Error> {
    const SOCKET_PATH: usize = 107;
    const BELOW_FOLDER: usize = "/.tmpXXXXXX/socket".len();
    let folder = std::env::temp_dir();
    if cfg!(unix) && folder.as_os_str().len() > SOCKET_PATH - BELOW_FOLDER {
        return Err(RunErrorKind::LongPath {
            folder: folder.display().to_string(),
            longest: SOCKET_PATH - BELOW_FOLDER,
        }
        .into());
    }
    Ok(())
}

/// A number that nobody else can guess: the standard library keys its hash maps from the system's random source.
fn secret() -> u128 {
    let half = || u128::from(RandomState::new().hash_one(std::process::id()));
    half() << 64 | half()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Deadline;
    use std::path::Path;

    #[test]
    fn invitation_survives_the_environment() {
        let invitation = Invitation {
            coordinator: 17,
            secret: u128::MAX - 3,
            server: "/tmp/odd:name/socket".into(),
        };
        assert_eq!(Invitation::parse(&invitation.to_string()), Some(invitation));
    }

    #[test]
    fn words_that_are_no_invitation_are_refused() {
        for text in ["", "1", "1:2", "x:2:name", "1:x:name", "-1:2:name"] {
            assert_eq!(Invitation::parse(text), None, "{text}");
        }
    }

    /// Why a guest that is started in this way is not let in.
    fn refused(start: impl FnOnce(&str) -> io::Result<Process>, patience: Duration) -> String {
        let _deadline = Deadline::seconds("handshake", 60);
        let guest = Guest::invite_by(start).unwrap();
        let (pid, server) = (guest.process.pid(), guest.invitation.server.clone());
        let error = guest.connect_within(patience).unwrap_err().to_string();
        assert!(
            !Path::new(&format!("/proc/{pid}")).exists(),
            "the process is left behind"
        );
        assert!(!Path::new(&server).exists(), "the socket is left behind");
        error
    }

    #[test]
    fn guest_that_is_forgotten_leaves_nothing_behind() {
        let _deadline = Deadline::seconds("handshake", 60);
        let guest = Guest::invite_by(|_| Process::other("sleep", "600")).unwrap();
        let (pid, server) = (guest.process.pid(), guest.invitation.server.clone());
        drop(guest);
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
        let folder = Path::new(&server).parent().unwrap();
        assert!(!folder.exists());
    }

    #[test]
    fn process_that_ends_before_it_connects_is_an_error() {
        let error = refused(|_| Process::start("garbled"), PATIENCE);
        assert!(
            error.contains("it exited with code 102 before it connected"),
            "{error}"
        );
        let error = refused(|_| Process::other("false", ""), PATIENCE);
        assert!(
            error.contains("it exited with code 1 before it connected"),
            "{error}"
        );
    }

    #[test]
    fn process_that_never_connects_is_an_error_in_bounded_time() {
        let start = |_: &str| Process::other("sleep", "600");
        let error = refused(start, Duration::from_millis(100));
        assert!(error.contains("it did not connect within 100ms"), "{error}");
    }

    #[test]
    fn process_of_another_parent_is_no_worker() {
        let start = |invitation: &str| {
            let invitation = Invitation::parse(invitation).unwrap();
            Process::start(
                &Invitation {
                    coordinator: 1,
                    ..invitation
                }
                .to_string(),
            )
        };
        let error = refused(start, PATIENCE);
        assert!(error.contains("it exited with code 102"), "{error}");
    }

    fn greet(invitation: &str, secret: impl Fn(u128) -> u128, build: u64) {
        let invitation = Invitation::parse(invitation).unwrap();
        let server = IpcSender::connect(invitation.server).unwrap();
        let hello = Hello {
            secret: secret(invitation.secret),
            build,
            inbound: ipc_channel::ipc::channel().unwrap().0,
            lifeline: ipc_channel::ipc::channel().unwrap().0,
            progress: IpcSharedMemory::from_byte(0, 16),
        };
        server.send(hello).unwrap();
    }

    #[test]
    fn stranger_at_the_socket_is_refused() {
        let start = |invitation: &str| {
            greet(invitation, |secret| secret ^ 1, sys::build());
            Process::other("sleep", "600")
        };
        let error = refused(start, PATIENCE);
        assert!(
            error.contains("a stranger connected in its place"),
            "{error}"
        );
    }

    #[test]
    fn worker_of_another_build_is_refused() {
        let start = |invitation: &str| {
            greet(invitation, |secret| secret, sys::build() ^ 1);
            Process::other("sleep", "600")
        };
        let error = refused(start, PATIENCE);
        assert!(
            error.contains("it is another build of this program"),
            "{error}"
        );
    }

    #[test]
    fn random_bytes_at_the_socket_are_refused() {
        let mut random = fastrand::Rng::with_seed(6);
        for length in [0, 1, 30, 1000] {
            let bytes: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
            let start = |invitation: &str| {
                let server = Invitation::parse(invitation).unwrap().server;
                let server: IpcSender<Vec<u8>> = IpcSender::connect(server).unwrap();
                server.send(bytes).unwrap();
                Process::other("sleep", "600")
            };
            assert!(refused(start, PATIENCE).contains("could not be started"));
        }
    }
}
