//! The calls of CFITSIO that find where the HDUs of a file stand.

use std::ffi::{CString, c_char, c_int};
use std::fs::File;
use std::os::fd::AsRawFd;
use std::ptr::{self, NonNull};

use fitsio::sys;

/// A FITS file in the hands of CFITSIO, at one of its HDUs; closed when dropped (an open one takes 113 kB).
#[derive(Debug)]
pub(crate) struct Fits {
    handle: NonNull<sys::fitsfile>,
    /// CFITSIO was given the number of this descriptor, so it stays open longer than the handle.
    file: File,
}

/// Where an HDU stands in its file, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// The first byte of the header.
    pub header: u64,
    /// The first byte behind the header, where the data begin.
    pub start: u64,
    /// The first byte behind the data and their padding, by what the header says.
    pub end: u64,
}

impl Fits {
    /// Opens a file at its primary HDU; the error is CFITSIO's own words.
    ///
    /// CFITSIO sees the descriptor, not the name: it takes leading blanks and `~` in a name for more than they are.
    pub(crate) fn open(file: File) -> Result<Self, String> {
        let name = CString::new(format!("/proc/self/fd/{}", file.as_raw_fd()))
            .expect("digits hold no NUL");
        let mut handle = ptr::null_mut();
        let mut status = 0;
        // SAFETY: the name ends in NUL, and both pointers are to locals that outlive the call.
        unsafe { sys::ffdkopn(&raw mut handle, name.as_ptr(), 0, &raw mut status) };
        match NonNull::new(handle) {
            Some(handle) if status == 0 => Ok(Self { handle, file }),
            _ => Err(fault(status)),
        }
    }

    /// The file itself, for positioned reads.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Goes on to the next HDU; `false` at the end of the file. The error says why what follows is no HDU.
    pub(crate) fn advance(&mut self) -> Result<bool, String> {
        const END_OF_FILE: c_int = 107;
        let mut kind = 0;
        let mut status = 0;
        // SAFETY: the handle is open until drop, and both pointers are to locals that outlive the call.
        unsafe { sys::ffmrhd(self.handle.as_ptr(), 1, &raw mut kind, &raw mut status) };
        match status {
            0 => Ok(true),
            END_OF_FILE => {
                forget_faults();
                Ok(false)
            }
            _ => Err(fault(status)),
        }
    }

    /// Where the HDU stands that the file is at.
    pub(crate) fn place(&mut self) -> Result<Place, String> {
        let (mut header, mut start, mut end, mut status) = (0, 0, 0, 0);
        // SAFETY: the handle is open until drop, and the pointers are to locals that outlive the call.
        unsafe {
            sys::ffghadll(
                self.handle.as_ptr(),
                &raw mut header,
                &raw mut start,
                &raw mut end,
                &raw mut status,
            )
        };
        if status != 0 {
            return Err(fault(status));
        }
        let too_many = |_| "its header speaks of more bytes than there can be".to_owned();
        let byte = |at: i64| u64::try_from(at).map_err(too_many);
        Ok(Place {
            header: byte(header)?,
            start: byte(start)?,
            end: byte(end)?,
        })
    }
}

impl Drop for Fits {
    fn drop(&mut self) {
        let mut status = 0;
        // SAFETY: the handle is open, and nothing uses it after this.
        unsafe { sys::ffclos(self.handle.as_ptr(), &raw mut status) };
    }
}

/// What CFITSIO says of a status.
fn fault(status: c_int) -> String {
    // FLEN_STATUS is 31.
    let mut text: [c_char; 64] = [0; 64];
    // SAFETY: the array is longer than any text of CFITSIO, its NUL included.
    unsafe { sys::ffgerr(status, text.as_mut_ptr()) };
    forget_faults();
    let bytes = text
        .iter()
        .take_while(|&&c| c != 0)
        .map(|&c| c.cast_unsigned());
    format!(
        "CFITSIO finds: {} (status {status})",
        String::from_utf8_lossy(&bytes.collect::<Vec<u8>>())
    )
}

/// Empties the list of messages that CFITSIO keeps for the whole process.
fn forget_faults() {
    // SAFETY: takes nothing and guards its own list.
    unsafe { sys::ffcmsg() };
}
