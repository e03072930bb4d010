//! The only `unsafe` code of the house: read-only maps of files that are copied from and released at once, a few
//! questions to the system, and (in `cfitsio`) the calls of CFITSIO that find where the HDUs of a file stand.
//!
//! What stands here is small and says nothing of frames; every block holds one unsafe operation and says why it is
//! sound. The bytes of a map are never lent as a slice: another program may change or shorten the file at any
//! time. They are only copied out, and a copy that meets the end of a file that has shrunk ends in [`CutShort`].

mod cfitsio;

use std::ffi::{CString, c_int, c_void};
use std::fs::File;
use std::io;
use std::mem;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering, compiler_fence};

use memmap2::{Advice, Mmap, MmapOptions, UncheckedAdvice};

pub(crate) use cfitsio::{Fits, Place};

use crate::units::ByteSize;

/// One fault of the memory may map the whole of such a neighbourhood, and its pages are released together.
const NEIGHBOURHOOD: usize = 2 << 20;

/// A whole file, mapped to be read; lives on without its descriptor.
#[derive(Debug)]
pub(crate) struct Map {
    map: Mmap,
    /// Set for good when a page of the file was found missing: what stands in its place is not of the file.
    cut: AtomicBool,
}

/// The file ended before the bytes that were to be copied, or its disk failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CutShort;

impl Map {
    /// Maps a file as long as it is now.
    pub(crate) fn new(file: &File) -> io::Result<Self> {
        guard()?;
        // SAFETY: no reference to the bytes is ever made; they are copied by `copy_piece`, guarded.
        let map = unsafe { MmapOptions::new().map(file) }?;
        Ok(Self {
            map,
            cut: AtomicBool::new(false),
        })
    }

    /// Bytes that are mapped.
    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    /// Copies these ranges of the file, one behind the other, to `into`, which they fill exactly; they ascend and
    /// stand inside the map. Pages are released as soon as they are copied: never more than one neighbourhood,
    /// 2 MiB, is resident.
    pub(crate) fn copy(
        &self,
        ranges: impl Iterator<Item = Range<usize>>,
        into: &mut [u8],
    ) -> Result<(), CutShort> {
        let base = self.map.as_ptr().addr();
        let mut rest = into;
        let mut resident = None;
        for Range { mut start, end } in ranges {
            assert!(end <= self.len(), "a range stands inside the map");
            while start < end {
                let neighbourhood = (base + start) / NEIGHBOURHOOD;
                if let Some(old) = resident.replace(neighbourhood)
                    && old != neighbourhood
                {
                    self.release(old);
                }
                let stop = end.min((neighbourhood + 1) * NEIGHBOURHOOD - base);
                let (piece, after) = rest.split_at_mut(stop - start);
                self.copy_piece(start, piece);
                rest = after;
                start = stop;
            }
        }
        assert!(rest.is_empty(), "the ranges fill `into`");
        if let Some(last) = resident {
            self.release(last);
        }
        if self.cut.load(Ordering::Acquire) {
            Err(CutShort)
        } else {
            Ok(())
        }
    }

    /// Copies bytes from `start` on; a page that is gone reads as zeros, and `cut` is set.
    fn copy_piece(&self, start: usize, into: &mut [u8]) {
        let from = self.map.as_ptr().wrapping_add(start);
        COPYING.with(|copying| {
            copying
                .cut
                .store((&raw const self.cut).cast_mut(), Ordering::Relaxed);
            copying.start.store(from.addr(), Ordering::Relaxed);
            copying
                .end
                .store(from.addr() + into.len(), Ordering::Relaxed);
            compiler_fence(Ordering::SeqCst);
            // SAFETY: `copy` has checked that the range stands inside the map; the map and `into` are different
            // memory; should the file have shrunk, the handler puts a page where one is missing.
            unsafe { ptr::copy_nonoverlapping(from, into.as_mut_ptr(), into.len()) };
            compiler_fence(Ordering::SeqCst);
            copying.end.store(0, Ordering::Relaxed);
        });
    }

    /// Takes the pages of a neighbourhood out of this process; they stay in the cache of the system.
    fn release(&self, neighbourhood: usize) {
        let base = self.map.as_ptr().addr();
        let start = (neighbourhood * NEIGHBOURHOOD).saturating_sub(base);
        let end = ((neighbourhood + 1) * NEIGHBOURHOOD - base).min(self.len());
        // SAFETY: the map is of a file and never written: a page that is needed again comes from the file again.
        let released = unsafe {
            self.map
                .unchecked_advise_range(UncheckedAdvice::DontNeed, start, end - start)
        };
        // Refused advice costs memory, not bytes.
        drop(released);
    }

    /// Tells the system that these bytes come next.
    pub(crate) fn advise(&self, range: Range<usize>) {
        let end = range.end.min(self.len());
        if range.start < end {
            // Advice that is refused costs time only.
            drop(
                self.map
                    .advise_range(Advice::WillNeed, range.start, end - range.start),
            );
        }
    }
}

/// What this thread copies right now: addresses from `start` to `end`, and the flag of their map.
struct Copying {
    start: AtomicUsize,
    end: AtomicUsize,
    cut: AtomicPtr<AtomicBool>,
}

thread_local! {
    /// Made at compile time and never dropped, so that a signal handler may look at it.
    static COPYING: Copying = const {
        Copying { start: AtomicUsize::new(0), end: AtomicUsize::new(0), cut: AtomicPtr::new(ptr::null_mut()) }
    };
}

/// What stood before the guard did, and the size of a page.
struct Guard {
    before: libc::sigaction,
    page: usize,
}

/// The guard, or the error of the system that kept it from being put in place.
static GUARD: OnceLock<Result<Guard, i32>> = OnceLock::new();

/// Puts the handler of SIGBUS in place, once for the process.
fn guard() -> io::Result<()> {
    match GUARD.get_or_init(place_guard) {
        Ok(_) => Ok(()),
        Err(number) => Err(io::Error::from_raw_os_error(*number)),
    }
}

fn place_guard() -> Result<Guard, i32> {
    // SAFETY: asks for a number.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    // SAFETY: an action of zeros is the default action with an empty mask.
    let mut before: libc::sigaction = unsafe { mem::zeroed() };
    let mut action = before;
    action.sa_sigaction = on_bus_error as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: the handler has the form that SA_SIGINFO asks for, and does nothing that a handler must not do.
    let refused = unsafe { libc::sigaction(libc::SIGBUS, &raw const action, &raw mut before) };
    match usize::try_from(page) {
        Ok(page) if refused == 0 => Ok(Guard { before, page }),
        _ => Err(io::Error::last_os_error()
            .raw_os_error()
            .unwrap_or(libc::EINVAL)),
    }
}

/// Mends the map where this thread copies from it; any other bus error goes to whom it went before.
extern "C" fn on_bus_error(signal: c_int, about: *mut libc::siginfo_t, machine: *mut c_void) {
    // Until the guard is there nothing is copied, and a bus error elsewhere comes again when this returns.
    let Some(Ok(guard)) = GUARD.get() else { return };
    // SAFETY: the system hands over what SA_SIGINFO promises.
    let told = unsafe { &*about };
    // SAFETY: SIGBUS carries an address.
    let address = unsafe { told.si_addr() }.addr();
    if !COPYING
        .try_with(|copying| mend(copying, address, guard.page))
        .unwrap_or(false)
    {
        pass_on(&guard.before, signal, about, machine);
    }
}

/// Puts a page of zeros where one is missing; `false` if this thread copies nothing there.
fn mend(copying: &Copying, address: usize, page: usize) -> bool {
    let range = copying.start.load(Ordering::Relaxed)..copying.end.load(Ordering::Relaxed);
    // SAFETY: set before `end` to the flag of a map that is borrowed while it is copied from.
    let cut = unsafe { copying.cut.load(Ordering::Relaxed).as_ref() };
    let (true, Some(cut)) = (range.contains(&address), cut) else {
        return false;
    };
    cut.store(true, Ordering::Release);
    let place = ptr::with_exposed_provenance_mut::<c_void>(address - address % page);
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
    // SAFETY: the page belongs to the map that is being copied, of which no references exist.
    let mended = unsafe { libc::mmap(place, page, libc::PROT_READ, flags, -1, 0) };
    mended != libc::MAP_FAILED
}

/// Does what would have been done without the guard.
fn pass_on(
    before: &libc::sigaction,
    signal: c_int,
    about: *mut libc::siginfo_t,
    machine: *mut c_void,
) {
    type Plain = extern "C" fn(c_int);
    type Full = extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);
    let handler = before.sa_sigaction;
    if handler == libc::SIG_DFL || handler == libc::SIG_IGN {
        // SAFETY: an action of zeros is the default action; the error comes again and ends the process.
        let default: libc::sigaction = unsafe { mem::zeroed() };
        // SAFETY: `default` is whole.
        unsafe { libc::sigaction(signal, &raw const default, ptr::null_mut()) };
    } else if before.sa_flags & libc::SA_SIGINFO != 0 {
        // SAFETY: the flag says that the handler has this form.
        let full = unsafe { mem::transmute::<usize, Full>(handler) };
        full(signal, about, machine);
    } else {
        // SAFETY: without the flag a handler has this form.
        let plain = unsafe { mem::transmute::<usize, Plain>(handler) };
        plain(signal);
    }
}

/// Tells the system that these bytes of a file come next.
pub(crate) fn advise(file: &File, range: Range<u64>) {
    let (Ok(start), Ok(length)) = (range.start.try_into(), (range.end - range.start).try_into())
    else {
        return;
    };
    // SAFETY: advice on an open descriptor; refused advice costs time only.
    unsafe { libc::posix_fadvise(file.as_raw_fd(), start, length, libc::POSIX_FADV_WILLNEED) };
}

/// Bytes that this process may still write to the file system of a folder.
pub(crate) fn free_space(folder: &Path) -> io::Result<u64> {
    let name = CString::new(folder.as_os_str().as_bytes())?;
    // SAFETY: an answer of zeros is one.
    let mut answer: libc::statvfs = unsafe { mem::zeroed() };
    // SAFETY: the name ends in NUL, and the answer outlives the call.
    if unsafe { libc::statvfs(name.as_ptr(), &raw mut answer) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(answer.f_bavail.saturating_mul(answer.f_frsize))
}

/// Opening does not wait for the other end of a pipe.
pub(crate) const O_NONBLOCK: i32 = libc::O_NONBLOCK;

/// Opening does not follow a link.
pub(crate) const O_NOFOLLOW: i32 = libc::O_NOFOLLOW;

/// Makes a process of this program's own a good host: a file that meets a limit on its size is an error, not a signal that kills;
/// and freed memory goes back to the system, in all threads from one heap, so that memory is what the plan says.
pub fn settle_process() {
    // SAFETY: ignoring a signal needs no handler that could do harm.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    #[cfg(target_env = "gnu")]
    for (parameter, value) in [
        (libc::M_ARENA_MAX, 1),
        (libc::M_MMAP_THRESHOLD, 64 << 10),
        (libc::M_TRIM_THRESHOLD, 64 << 10),
    ] {
        // SAFETY: these parameters may be set at any time.
        unsafe { libc::mallopt(parameter, value) };
    }
}

/// Gives back what was freed in small pieces: by itself the heap keeps whatever lies below a piece that is in use.
pub(crate) fn release_freed() {
    // SAFETY: touches nothing that is in use.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0)
    };
}

/// The peak resident memory of this process so far.
pub(crate) fn peak_resident() -> Option<ByteSize> {
    own_status("VmHWM:")
}

/// The resident memory of this process now.
pub(crate) fn resident() -> Option<ByteSize> {
    own_status("VmRSS:")
}

/// The memory that the page tables of this process take now.
pub(crate) fn page_tables() -> Option<ByteSize> {
    own_status("VmPTE:")
}

/// What a hard limit on this process leaves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    /// What sets it: `ulimit -v`.
    pub(crate) by: &'static str,
    /// The limit.
    pub(crate) limit: ByteSize,
    /// Bytes that may still be taken.
    pub(crate) bytes: u64,
    /// Threads that have taken their stacks.
    pub(crate) threads: u64,
}

/// What the limits on addresses and on writable memory leave this process, whichever is less; `None` where there is no limit.
pub(crate) fn left() -> Option<Left> {
    use rlimit::Resource;
    let left = |by, resource: Resource, field| {
        let limit = resource.get_soft().ok();
        let limit = limit.filter(|&limit| limit != rlimit::INFINITY)?;
        Some(Left {
            by,
            limit: ByteSize(limit),
            bytes: limit.saturating_sub(own_status(field)?.0),
            threads: status("Threads:")?.parse().ok()?,
        })
    };
    let addresses = left("ulimit -v", Resource::AS, "VmSize:");
    let writable = left("ulimit -d", Resource::DATA, "VmData:");
    let both = addresses.into_iter().chain(writable);
    both.min_by_key(|left| left.bytes)
}

/// A size in what the system says of this process.
fn own_status(field: &str) -> Option<ByteSize> {
    let kilobytes = status(field)?;
    let kilobytes: u64 = kilobytes.strip_suffix("kB")?.trim().parse().ok()?;
    Some(ByteSize(kilobytes * 1024))
}

/// What the system says of this process under a name.
fn status(field: &str) -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let found = status.lines().find_map(|line| line.strip_prefix(field))?;
    Some(found.trim().to_owned())
}

#[cfg(test)]
mod tests;
