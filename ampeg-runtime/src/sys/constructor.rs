//! The constructor that turns a process into a worker before `main`, and the program's constructors that the linker
//! placed after it.
//!
//! The loader calls the entries of the executable's `.init_array` in order. Our constructor does not return in a
//! worker, so it must call the later entries itself.

#[cfg(target_os = "linux")]
use super::image;
use std::ffi::{c_char, c_int};

/// Arguments and environment of the process, as the loader passes them to constructors.
///
/// The GNU C library passes them. Other C libraries do not, and the values are then meaningless.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "no constructors are called there")
)]
pub(crate) struct Arguments {
    count: c_int,
    values: *const *const c_char,
    environment: *const *const c_char,
}

type Constructor = extern "C" fn(c_int, *const *const c_char, *const *const c_char);

// The loader calls all functions in this section, after constructors with a priority. On these platforms, the
// standard library already works at that time as far as ampeg uses it: environment, threads, files and sockets.
#[used]
#[cfg_attr(
    all(unix, not(target_vendor = "apple")),
    unsafe(link_section = ".init_array")
)]
#[cfg_attr(
    target_vendor = "apple",
    unsafe(link_section = "__DATA,__mod_init_func,mod_init_funcs")
)]
#[cfg_attr(windows, unsafe(link_section = ".CRT$XCU"))]
static ENTRY: Constructor = construct;

extern "C" fn construct(
    count: c_int,
    values: *const *const c_char,
    environment: *const *const c_char,
) {
    crate::transport::entry::before_main(Arguments {
        count,
        values,
        environment,
    });
}

impl Arguments {
    /// Calls the constructors of the executable that the loader would call after this crate's.
    #[cfg(target_os = "linux")]
    pub(crate) fn call_later_constructors(self) {
        let first = (&raw const ENTRY).addr() + size_of::<Constructor>();
        let end = bounds().end;
        for address in (first..end).step_by(size_of::<Constructor>()) {
            // SAFETY: the range contains `ENTRY`, so it is the array of constructors of this executable. The loader
            // has relocated the array, and nobody changes it later. Zero is not a function, and is skipped.
            let constructor = unsafe { (address as *const Option<Constructor>).read() };
            if let Some(constructor) = constructor {
                // The loader would call this constructor now, in this thread and with these arguments.
                constructor(self.count, self.values, self.environment);
            }
        }
    }

    /// On other systems, constructors after this crate's do not run in workers.
    #[cfg(not(target_os = "linux"))]
    #[allow(clippy::unused_self, reason = "on Linux it is used")]
    pub(crate) fn call_later_constructors(self) {}
}

/// The addresses of the array that contains `ENTRY`; empty if the array cannot be found.
#[cfg(target_os = "linux")]
fn bounds() -> std::ops::Range<usize> {
    let entry = (&raw const ENTRY).addr();
    let section = image::dynamic_section();
    let words = section.len() / size_of::<[usize; 2]>();
    let section = if words == 0 {
        &[][..]
    } else {
        // SAFETY: the dynamic section of this executable consists of pairs of words. The loader has mapped it for as
        // long as the process lives, and has written to it before the first constructor.
        unsafe { std::slice::from_raw_parts(section.start as *const [usize; 2], words) }
    };
    [
        elf::array_in_dynamic_section(section),
        // An executable that is loaded at a fixed address, without a loader, has no dynamic section.
        std::fs::File::open("/proc/self/exe")
            .ok()
            .filter(|_| words == 0)
            .and_then(|file| elf::array_in_file(&file)),
    ]
    .into_iter()
    .flatten()
    .map(|array| {
        let start = image::base().wrapping_add(array.start);
        start..start + array.len()
    })
    .find(|array| array.contains(&entry))
    .unwrap_or(0..0)
}

/// Reads from an executable where its array of constructors is.
#[cfg(target_os = "linux")]
mod elf {
    use std::fs::File;
    use std::ops::Range;
    use std::os::unix::fs::FileExt;

    /// The addresses of the array, according to the dynamic section. The section consists of pairs of a tag and a
    /// value.
    pub(super) fn array_in_dynamic_section(section: &[[usize; 2]]) -> Option<Range<usize>> {
        const END: usize = 0;
        const INIT_ARRAY: usize = 25;
        const INIT_ARRAY_SIZE: usize = 27;
        let section = section.iter().take_while(|[tag, _]| *tag != END);
        let value = |wanted| {
            let found = section.clone().find(|[tag, _]| *tag == wanted);
            found.map(|[_, value]| *value)
        };
        let start = value(INIT_ARRAY)?;
        Some(start..start.checked_add(value(INIT_ARRAY_SIZE)?)?)
    }

    /// The addresses of the array, according to the headers of the sections in the file.
    pub(super) fn array_in_file(file: &File) -> Option<Range<usize>> {
        const WORD: usize = size_of::<usize>();
        /// The kind of a section with an array of constructors.
        const INIT_ARRAY: u32 = 14;
        // After 16 bytes of identification: kind, machine and version, the entry point, the headers of segments.
        let headers_at = 24 + 2 * WORD;
        let mut start = [0; 64];
        file.read_exact_at(&mut start, 0).ok()?;
        let headers = word(&start, headers_at)?;
        // In between: flags, the size of this header, size and number of the headers of segments.
        let size = usize::from(half(&start, headers_at + WORD + 10)?);
        let count = usize::from(half(&start, headers_at + WORD + 12)?);
        let mut table = vec![0; size * count];
        file.read_exact_at(&mut table, headers as u64).ok()?;
        let array = table.chunks_exact(size.max(1)).find(|header| {
            let kind = header.get(4..8).and_then(|bytes| bytes.try_into().ok());
            kind.map(u32::from_ne_bytes) == Some(INIT_ARRAY)
        })?;
        // Name, kind, flags, address, offset, size.
        let start = word(array, 8 + WORD)?;
        Some(start..start.checked_add(word(array, 8 + 3 * WORD)?)?)
    }

    fn word(bytes: &[u8], at: usize) -> Option<usize> {
        let bytes = bytes.get(at..at + size_of::<usize>())?;
        Some(usize::from_ne_bytes(bytes.try_into().ok()?))
    }

    fn half(bytes: &[u8], at: usize) -> Option<u16> {
        let bytes = bytes.get(at..at + 2)?;
        Some(u16::from_ne_bytes(bytes.try_into().ok()?))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::fs::File;
    use std::sync::atomic::{AtomicU32, Ordering};

    static CALLS: AtomicU32 = AtomicU32::new(0);

    extern "C" fn count(_: c_int, _: *const *const c_char, _: *const *const c_char) {
        CALLS.fetch_add(1, Ordering::SeqCst);
    }

    #[used]
    #[unsafe(link_section = ".init_array")]
    static ONE: Constructor = count;

    #[test]
    fn both_ways_find_the_array_that_the_loader_goes_through() {
        let array = bounds();
        for entry in [&raw const ENTRY, &raw const ONE] {
            assert!(array.contains(&entry.addr()));
        }
        assert!(array.len().is_multiple_of(size_of::<Constructor>()));
        let file = File::open("/proc/self/exe").unwrap();
        let in_file = elf::array_in_file(&file).unwrap();
        assert_eq!(in_file.len(), array.len());
        assert_eq!(image::base() + in_file.start, array.start);
    }

    #[test]
    fn dynamic_section_is_read_up_to_its_end() {
        let array = elf::array_in_dynamic_section;
        assert_eq!(array(&[[27, 16], [25, 4096], [0, 0]]), Some(4096..4112));
        assert_eq!(array(&[[25, 4096], [0, 0], [27, 16]]), None);
        assert_eq!(array(&[[25, usize::MAX], [27, 16]]), None);
        assert_eq!(array(&[]), None);
    }

    #[test]
    fn file_that_is_not_an_executable_has_no_array() {
        let file = tempfile::tempfile().unwrap();
        assert_eq!(elf::array_in_file(&file), None);
        file.set_len(64).unwrap();
        assert_eq!(elf::array_in_file(&file), None);
    }

    #[test]
    fn only_constructors_after_this_crates_are_called() {
        let is_behind = (&raw const ONE).addr() > (&raw const ENTRY).addr();
        // The loader has called it.
        assert_eq!(CALLS.load(Ordering::SeqCst), 1);
        let arguments = Arguments {
            count: 0,
            values: std::ptr::null(),
            environment: std::ptr::null(),
        };
        arguments.call_later_constructors();
        assert_eq!(CALLS.load(Ordering::SeqCst), 1 + u32::from(is_behind));
    }
}
