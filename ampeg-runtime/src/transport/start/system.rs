//! Restrictions of Linux on this program.

use crate::sys;
use rustix::fs::{AtFlags, CWD, MemfdFlags, Stat, memfd_create, readlinkat, statat};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use rustix::process::{getegid, geteuid};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::OnceLock;

const EXECUTABLE: &str = "/proc/self/exe";

/// The path that starts this program, even if its file was replaced since this process was started.
#[allow(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(crate) fn executable() -> io::Result<PathBuf> {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    let file = FILE.get_or_init(|| file_beside_emulator().unwrap_or_else(|| EXECUTABLE.into()));
    Ok(file.clone())
}

/// The file of this program, if the system runs another program that runs this one, such as valgrind or qemu.
///
/// Such a program reports the file of this program as the target of the link, but starting the link would start the
/// emulator.
fn file_beside_emulator() -> Option<PathBuf> {
    let link = std::fs::read_link(EXECUTABLE).ok()?;
    let file = std::fs::metadata(&link).ok()?;
    let started = std::fs::metadata(EXECUTABLE).ok()?;
    if (file.dev(), file.ino()) == (started.dev(), started.ino()) {
        return None;
    }
    // The name may refer to another file by now, or to a file outside the root directory of this process.
    let mut start = Vec::new();
    let file = File::open(&link).ok()?;
    file.take(4096).read_to_end(&mut start).ok()?;
    sys::is_start_of_executable(&start).then_some(link)
}

/// Whether this program gets other privileges when it is started again, because it has changed its ids.
pub(super) fn is_raised_by_start() -> bool {
    if !sys::may_regain_privileges() {
        return false;
    }
    let Ok(file) = statat(CWD, EXECUTABLE, AtFlags::empty()) else {
        return false;
    };
    let user = geteuid();
    is_raised_by_bits(&file, user.as_raw(), getegid().as_raw())
        || !user.is_root() && has_capabilities()
}

fn is_raised_by_bits(file: &Stat, user: u32, group: u32) -> bool {
    const SET_USER: u32 = 0o4000;
    const SET_GROUP: u32 = 0o2000;
    file.st_mode & SET_USER != 0 && file.st_uid != user
        || file.st_mode & SET_GROUP != 0 && file.st_gid != group
}

fn has_capabilities() -> bool {
    rustix::fs::getxattr(EXECUTABLE, "security.capability", &mut [0_u8; 64][..]).is_ok()
}

/// Whether the code that contains `place` comes from another file than the one that would be started.
///
/// This reads the list of mappings, so call it only if the answer is likely to be yes.
pub(super) fn is_loaded_by_hand<T>(place: &'static T) -> bool {
    let Ok(executable) = readlinkat(CWD, EXECUTABLE, Vec::new()) else {
        return false;
    };
    let Ok(maps) = File::open("/proc/self/maps") else {
        return false;
    };
    let address = std::ptr::from_ref(place).addr();
    let lines = BufReader::new(maps).split(b'\n').map_while(Result::ok);
    let file = file_of(lines, address);
    file.is_some_and(|file| file != executable.as_bytes())
}

/// The file of the last mapping up to an address, according to the list of mappings.
///
/// Memory that is initially zero has no file, but follows the other mappings of its program.
fn file_of(lines: impl Iterator<Item = Vec<u8>>, address: usize) -> Option<Vec<u8>> {
    let mut last = None;
    for line in lines {
        let text = String::from_utf8_lossy(&line);
        let start = text.split('-').next()?;
        if usize::from_str_radix(start, 16).ok()? > address {
            break;
        }
        if let Some(slash) = line.iter().position(|&byte| byte == b'/') {
            last = Some(line[slash..].to_vec());
        }
    }
    last
}

/// A restriction of the system on something that worker processes need, if there is one.
///
/// Call this after a failure.
pub(crate) fn missing() -> Option<String> {
    let is_denied = |error: &Errno| {
        !matches!(
            *error,
            Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::NOBUFS
        )
    };
    if let Err(error) = statat(CWD, EXECUTABLE, AtFlags::empty()) {
        return Some(format!(
            "{EXECUTABLE} cannot be found ({error}): workers are this program, started again by that \
             name: mount /proc"
        ));
    }
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None);
    if let Some(error) = socket.err().filter(is_denied) {
        return Some(format!(
            "this process may not make sockets of the family AF_UNIX, by which workers are reached ({error}): \
             a sandbox denies them, such as `RestrictAddressFamilies` of systemd or a filter of system calls"
        ));
    }
    let memory = memfd_create("ampeg", MemfdFlags::CLOEXEC);
    if let Some(error) = memory.err().filter(is_denied) {
        return Some(format!(
            "this process may not make shared memory, by which workers are watched (`memfd_create`: {error}): \
             a sandbox denies it, such as a filter of system calls"
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    static HERE: u8 = 1;

    #[test]
    fn this_program_is_the_file_that_is_started() {
        assert!(!is_loaded_by_hand(&HERE));
        assert!(!is_raised_by_start());
        assert_eq!(executable().unwrap(), PathBuf::from(EXECUTABLE));
        assert_eq!(missing(), None);
    }

    #[test]
    fn file_of_an_address_is_the_last_one_before_it() {
        let maps = "1000-2000 r--p 00000000 00:1d 77 /a program\n\
                    2000-3000 rw-p 00000000 00:00 0 \n\
                    5000-6000 r-xp 00000000 00:1d 78 /lib/b.so (deleted)\n\
                    7000-8000 rw-p 00000000 00:00 0 [stack]";
        let file = |address| {
            let lines = maps.lines().map(|line| line.as_bytes().to_vec());
            file_of(lines, address).map(|file| String::from_utf8(file).unwrap())
        };
        assert_eq!(file(0x0fff), None);
        assert_eq!(file(0x1800).unwrap(), "/a program");
        assert_eq!(file(0x2800).unwrap(), "/a program");
        assert_eq!(file(0x5800).unwrap(), "/lib/b.so (deleted)");
    }

    #[test]
    fn set_id_bits_raise_only_processes_that_are_not_the_owner() {
        let mut file = statat(CWD, EXECUTABLE, AtFlags::empty()).unwrap();
        (file.st_uid, file.st_gid) = (7, 8);
        file.st_mode = 0o755;
        assert!(!is_raised_by_bits(&file, 1, 1));
        file.st_mode = 0o4755;
        assert!(is_raised_by_bits(&file, 1, 8) && !is_raised_by_bits(&file, 7, 1));
        file.st_mode = 0o2755;
        assert!(is_raised_by_bits(&file, 7, 1) && !is_raised_by_bits(&file, 1, 8));
    }
}
