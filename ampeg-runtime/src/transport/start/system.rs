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

/// What to start to start this program, even if its file has been replaced since this process was started.
#[allow(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(crate) fn executable() -> io::Result<PathBuf> {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    let file = FILE.get_or_init(|| file_beside_emulator().unwrap_or_else(|| EXECUTABLE.into()));
    Ok(file.clone())
}

/// The file of this program, if the system runs another one, such as valgrind or qemu, that runs this one.
///
/// Such a program says where this one's file is, but what is started by the link is the emulator.
fn file_beside_emulator() -> Option<PathBuf> {
    let link = std::fs::read_link(EXECUTABLE).ok()?;
    let file = std::fs::metadata(&link).ok()?;
    let started = std::fs::metadata(EXECUTABLE).ok()?;
    if (file.dev(), file.ino()) == (started.dev(), started.ino()) {
        return None;
    }
    // Behind the name may be another file by now, or in another folder that is the root of this process.
    let mut start = Vec::new();
    let file = File::open(&link).ok()?;
    file.take(4096).read_to_end(&mut start).ok()?;
    sys::is_start_of_executable(&start).then_some(link)
}

/// Whether this program gets other privileges when it is started again, since it has changed its ids since its start.
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

/// Whether the code that holds `place` comes from another file than the one that is started as this program.
///
/// To be asked only if that is likely: it reads the list of mappings.
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

/// The file that is mapped last up to an address, as the list of mappings says.
///
/// What is zero at first has no file, and follows the rest of its program.
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

/// What worker processes need and this process is denied.
///
/// To be asked when something has failed.
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
    fn file_of_an_address_is_the_last_before_it() {
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
    fn bits_raise_only_those_who_are_not_the_owner() {
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
