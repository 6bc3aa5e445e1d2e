//! Constants and functions by their address in the executable. Every worker of the same build can check and use such
//! an address.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::OnceLock;

/// 128 random bits that mark a constant of this crate.
const MAGIC: [u64; 2] = [0x616d_7065_675f_6772, 0xb7d3_41c8_9e25_f60a];

/// A constant of the executable that other processes of the same executable find by its address.
///
/// This crate uses only one type `T`, so the magic number identifies the type, too.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Anchored<T> {
    magic: [u64; 2],
    hash: u64,
    content: T,
}

impl<T> Anchored<T> {
    /// A constant that `hash` identifies.
    pub(crate) const fn new(hash: u64, content: T) -> Self {
        Self {
            magic: MAGIC,
            hash,
            content,
        }
    }

    pub(crate) fn content(&self) -> &T {
        &self.content
    }
}

#[allow(
    clippy::unsafe_derive_deserialize,
    reason = "an address of unknown origin is what `resolve` expects, and checks"
)]
/// The address of a constant relative to the start of the executable's image, and the hash that the constant must
/// have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConstantAddress {
    offset: u64,
    hash: u64,
}

impl ConstantAddress {
    /// The address of a constant; none if the constant is outside the main executable, as in a dynamic library.
    pub(crate) fn of<T>(constant: &'static Anchored<T>) -> Option<Self> {
        let offset = offset_in_executable(constant)?;
        let hash = constant.hash;
        Some(Self { offset, hash })
    }

    /// The constant at this address, after every check that can be made.
    pub(crate) fn resolve<T>(self) -> Result<&'static Anchored<T>, String> {
        let image = Image::of_this_process();
        let address = usize::try_from(self.offset)
            .map_err(|_| "its address is too large for this machine")?
            .wrapping_add(image.base);
        let size = size_of::<Anchored<T>>();
        if !address.is_multiple_of(align_of::<Anchored<T>>()) || !image.holds(address, size) {
            return Err("its address lies outside the executable".into());
        }
        let start = address as *const Anchored<T>;
        // SAFETY: `holds` checked that all bytes of a constant at `start` are in one readable segment of the
        // executable, which stays loaded for as long as the process lives. Any bytes are valid integers.
        let (magic, hash) = unsafe {
            (
                (&raw const (*start).magic).read(),
                (&raw const (*start).hash).read(),
            )
        };
        if magic != MAGIC || hash != self.hash {
            return Err("no such graph is at its address: this worker is another build".into());
        }
        // SAFETY: as above, the memory is readable, aligned and lives for ever. Only an `Anchored` constant of this
        // very executable begins with the two words of `MAGIC`, all of these constants have one type, and no code
        // changes them.
        Ok(unsafe { &*start })
    }
}

#[allow(
    clippy::unsafe_derive_deserialize,
    reason = "an address of unknown origin is what `resolve` expects, and checks"
)]
/// The address of the function in a `fn` pointer, relative to the start of the executable's image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FunctionAddress(u64);

impl FunctionAddress {
    /// The address in a `fn` pointer.
    ///
    /// # Errors
    ///
    /// If the function is outside the code of the main executable, as in a dynamic library.
    pub(crate) fn of<F: Copy + fmt::Pointer>(pointer: F) -> Result<Self, String> {
        const { assert!(size_of::<F>() == size_of::<usize>()) }
        // SAFETY: `F` is as large as a pointer, and only pointers of that size implement `fmt::Pointer` here.
        let address = unsafe { std::mem::transmute_copy::<F, *const ()>(&pointer) };
        let address = address.expose_provenance();
        let image = Image::of_this_process();
        if image.has_code_at(address) {
            Ok(Self(address.wrapping_sub(image.base) as u64))
        } else {
            Err(
                "it points to a function outside the executable, as of a dynamic library, \
                 which may be elsewhere in a worker process"
                    .into(),
            )
        }
    }

    /// The pointer with this address. `F` must be the type of the pointer that was passed to [`of`](Self::of).
    pub(crate) fn resolve<F: Copy + fmt::Pointer>(self) -> Result<F, String> {
        const { assert!(size_of::<F>() == size_of::<usize>()) }
        let image = Image::of_this_process();
        let address = usize::try_from(self.0).map(|offset| offset.wrapping_add(image.base));
        match address {
            Ok(address) if image.has_code_at(address) => {
                // SAFETY: `F` is as large as a pointer. The address came from a pointer of type `F` in a process of
                // this very build: both processes find the graph and the capture in the same table, and a worker of
                // another build is not admitted. The address is in code that is never written, so it is the address
                // of the same function here.
                let address = std::ptr::with_exposed_provenance::<()>(address);
                Ok(unsafe { std::mem::transmute_copy::<*const (), F>(&address) })
            }
            _ => Err("its address lies outside the code of the executable".into()),
        }
    }
}

/// The main executable as it is loaded in this process.
#[derive(Debug)]
struct Image {
    base: usize,
    /// The parts of it that can be read.
    segments: Vec<Range<usize>>,
    /// The parts of it that can be executed, and cannot be written.
    code: Vec<Range<usize>>,
    build: u64,
    /// Whether it names a dynamic loader.
    #[cfg(target_os = "linux")]
    names_loader: bool,
    /// Its dynamic section; empty if it has none.
    #[cfg(all(target_os = "linux", feature = "before-main"))]
    dynamic: Range<usize>,
}

impl Image {
    fn of_this_process() -> &'static Self {
        static IMAGE: OnceLock<Image> = OnceLock::new();
        IMAGE.get_or_init(load)
    }

    /// Whether all bytes of a value of this size at `address` are in one readable segment.
    fn holds(&self, address: usize, size: usize) -> bool {
        let Some(end) = address.checked_add(size) else {
            return false;
        };
        self.segments
            .iter()
            .any(|segment| segment.start <= address && end <= segment.end)
    }

    /// Whether there is code at `address`, the same in every process of this executable.
    fn has_code_at(&self, address: usize) -> bool {
        self.code.iter().any(|code| code.contains(&address))
    }
}

/// The offset of a static in the executable; none if the static is in a dynamic library.
pub(crate) fn offset_in_executable<T>(place: &'static T) -> Option<u64> {
    let address = std::ptr::from_ref(place) as usize;
    let image = Image::of_this_process();
    let holds = image.holds(address, size_of::<T>());
    holds.then(|| address.wrapping_sub(image.base) as u64)
}

/// The file of the dynamic library that contains a static, if known.
#[cfg(target_os = "linux")]
pub(crate) fn library_of<T>(place: &'static T) -> Option<std::path::PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    let mut info = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
    // SAFETY: `dladdr` takes any address, and writes the struct, in which zeros are valid, if it returns anything
    // but 0.
    let info = unsafe {
        if libc::dladdr(std::ptr::from_ref(place).cast(), info.as_mut_ptr()) == 0 {
            return None;
        }
        info.assume_init()
    };
    if info.dli_fname.is_null() {
        return None;
    }
    // SAFETY: the loader's name of a loaded object is a string that ends with a zero, and it stays loaded, since
    // this code is part of it.
    let name = unsafe { std::ffi::CStr::from_ptr(info.dli_fname) };
    Some(std::ffi::OsStr::from_bytes(name.to_bytes()).into())
}

/// On other systems, the library is not looked up.
#[cfg(not(target_os = "linux"))]
pub(crate) fn library_of<T>(_: &'static T) -> Option<std::path::PathBuf> {
    None
}

/// Whether a file that begins with these bytes may be the file of this executable.
#[cfg(target_os = "linux")]
pub(crate) fn is_start_of_executable(bytes: &[u8]) -> bool {
    // The headers of the file, and its notes, are loaded with the first segment.
    let Some(first) = Image::of_this_process().segments.first() else {
        return false;
    };
    let length = bytes.len().min(first.len());
    // SAFETY: the segment is mapped and readable for as long as the process lives. Nobody writes to the headers and
    // notes at its start.
    let start = unsafe { std::slice::from_raw_parts(first.start as *const u8, length) };
    length > 0 && start == &bytes[..length]
}

/// Whether this program names a dynamic loader, but the system did not start the loader for it.
///
/// This happens if a user starts the loader, which then loads this program: `ld.so ./program`. A system that emulates
/// Linux may also report this.
#[cfg(target_os = "linux")]
pub(crate) fn is_without_loader() -> bool {
    // SAFETY: `getauxval` reads what the kernel gave the process at its start, and has no preconditions.
    Image::of_this_process().names_loader && unsafe { libc::getauxval(libc::AT_BASE) } == 0
}

/// The dynamic section of the executable, as addresses; empty if it has none.
#[cfg(all(target_os = "linux", feature = "before-main"))]
pub(super) fn dynamic_section() -> Range<usize> {
    Image::of_this_process().dynamic.clone()
}

/// The address at which the executable was loaded. An address in its file is relative to this one.
#[cfg(all(target_os = "linux", feature = "before-main"))]
pub(super) fn base() -> usize {
    Image::of_this_process().base
}

/// A number that differs between builds: a hash of the executable's segments and notes. The build id is one of the
/// notes.
pub(crate) fn build() -> u64 {
    Image::of_this_process().build
}

#[cfg(target_os = "linux")]
fn load() -> Image {
    extern "C" fn first(
        info: *mut libc::dl_phdr_info,
        _: libc::size_t,
        image: *mut libc::c_void,
    ) -> libc::c_int {
        // SAFETY: the loader passes a valid `info` for the time of the call, and `image` is the local of `load`,
        // which is not used otherwise during the call.
        let (info, image) = unsafe { (&*info, &mut *image.cast::<Image>()) };
        // SAFETY: the loader says that `dlpi_phdr` points to `dlpi_phnum` headers.
        let headers =
            unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
        read(usize::try_from(info.dlpi_addr).unwrap_or(0), headers, image);
        1 // The main executable comes first; nothing else is of interest.
    }

    let mut image = Image {
        base: 0,
        segments: Vec::new(),
        code: Vec::new(),
        build: 0,
        names_loader: false,
        #[cfg(feature = "before-main")]
        dynamic: 0..0,
    };
    // SAFETY: `first` has the signature that `dl_iterate_phdr` calls, and `image` outlives the call.
    unsafe {
        libc::dl_iterate_phdr(Some(first), std::ptr::from_mut(&mut image).cast());
    }
    image
}

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
type Header = libc::Elf64_Phdr;
#[cfg(all(target_os = "linux", target_pointer_width = "32"))]
type Header = libc::Elf32_Phdr;

#[cfg(target_os = "linux")]
#[allow(
    clippy::cast_possible_truncation,
    reason = "addresses of this process fit its own pointers"
)]
fn read(base: usize, headers: &[Header], image: &mut Image) {
    let mut hasher = DefaultHasher::new();
    image.base = base;
    for header in headers {
        (
            header.p_type,
            header.p_flags,
            header.p_vaddr,
            header.p_memsz,
        )
            .hash(&mut hasher);
        let start = base.wrapping_add(header.p_vaddr as usize);
        let range = start..start.saturating_add(header.p_memsz as usize);
        let code = libc::PF_X | libc::PF_W;
        if header.p_type == libc::PT_LOAD && header.p_flags & code == libc::PF_X {
            image.code.push(range.clone());
        }
        match header.p_type {
            libc::PT_INTERP => image.names_loader = true,
            #[cfg(feature = "before-main")]
            libc::PT_DYNAMIC => image.dynamic = range.clone(),
            _ => {}
        }
        if header.p_flags & libc::PF_R == 0 {
            continue;
        }
        match header.p_type {
            libc::PT_LOAD => image.segments.push(range),
            libc::PT_NOTE => {
                // SAFETY: a note segment that can be read is part of a loaded one, for as long as the process lives.
                let note = unsafe {
                    std::slice::from_raw_parts(start as *const u8, header.p_memsz as usize)
                };
                note.hash(&mut hasher);
            }
            _ => {}
        }
    }
    image.build = hasher.finish();
}

/// On other systems, the loader cannot list the segments: addresses are relative to this code, and only memory near
/// it is read.
#[cfg(not(target_os = "linux"))]
fn load() -> Image {
    static ANCHOR: u64 = 0x616d_7065_675f_7379;
    let base = std::ptr::from_ref(&ANCHOR) as usize;
    let mut hasher = DefaultHasher::new();
    std::env::current_exe()
        .ok()
        .and_then(|path| std::fs::metadata(path).ok())
        .map(|file| file.len())
        .hash(&mut hasher);
    let near = base.saturating_sub(1 << 20)..base.saturating_add(1 << 20);
    Image {
        base,
        segments: vec![near.clone()],
        code: vec![near],
        build: hasher.finish(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    #[test]
    fn stack_and_heap_lie_outside_the_executable() {
        let local = [0_u64; 16];
        let boxed = Box::new(local);
        let image = Image::of_this_process();
        let holds = |address| image.holds(address, size_of::<Anchored<u64>>());
        assert!(!holds(std::ptr::from_ref(&local) as usize));
        assert!(!holds(std::ptr::from_ref(&*boxed) as usize));
        assert!(!holds(usize::MAX - 7));
        assert_eq!(offset_in_executable(Box::leak(boxed)), None);
    }

    #[test]
    fn addresses_without_a_descriptor_are_refused() {
        let image = Image::of_this_process();
        for segment in &image.segments {
            for address in [
                segment.start,
                segment.end - 8,
                segment.end,
                segment.start + 1,
            ] {
                let address = ConstantAddress {
                    offset: address.wrapping_sub(image.base) as u64,
                    hash: 0,
                };
                address.resolve::<u64>().unwrap_err();
            }
        }
        for offset in [u64::MAX, u64::MAX / 2, 1 << 40] {
            ConstantAddress { offset, hash: 0 }
                .resolve::<u64>()
                .unwrap_err();
        }
    }

    #[test]
    fn functions_are_found_and_data_is_refused() {
        static DATA: AtomicU64 = AtomicU64::new(1);
        let function: fn(u64) -> u64 = |x| x + 1;
        let address = FunctionAddress::of(function).unwrap();
        assert_eq!(address.resolve::<fn(u64) -> u64>().unwrap()(1), 2);
        let boxed = Box::new(3_u64);
        FunctionAddress::of(&raw const DATA).unwrap_err();
        FunctionAddress::of(std::ptr::from_ref(&*boxed)).unwrap_err();
        for offset in [u64::MAX, u64::MAX / 2, 1 << 40] {
            FunctionAddress(offset).resolve::<fn()>().unwrap_err();
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn file_of_this_program_is_known_by_its_start() {
        let mut start = std::fs::read("/proc/self/exe").unwrap();
        start.truncate(4096);
        assert!(is_start_of_executable(&start));
        start[100] ^= 1;
        assert!(!is_start_of_executable(&start));
        assert!(!is_start_of_executable(&[]));
    }

    #[test]
    fn builds_have_a_number() {
        assert_ne!(build(), 0);
        assert_eq!(build(), build());
    }
}
