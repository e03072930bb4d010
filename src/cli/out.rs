//! Standard output.

use std::io::{self, ErrorKind, Write};

/// Standard output, written through at once. A reader that goes away (`| head`) has seen enough: that is no fault.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Out;

impl Write for Out {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let mut out = io::stdout().lock();
        forgive(out.write_all(text).and_then(|()| out.flush())).map(|()| text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        forgive(io::stdout().flush())
    }
}

fn forgive(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_goes_away_is_no_fault_but_a_full_disk_is() {
        assert!(forgive(Err(ErrorKind::BrokenPipe.into())).is_ok());
        assert!(forgive(Err(ErrorKind::StorageFull.into())).is_err());
    }
}
