//! The folder that is served, and nothing outside it.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Mode, OFlags, open, openat};
use rustix::io::Errno;

/// An open folder. What is moved to its place later is not served.
pub struct Folder(File);

/// What is found at a path.
pub enum Found {
    File(Served),
    /// A folder, whose path has to end in a slash so that its files' names are relative to it.
    Folder,
    Nothing,
}

/// A file to be sent.
pub struct Served {
    pub file: File,
    pub length: u64,
    /// What says whether it has changed.
    pub tag: String,
    pub kind: &'static str,
}

impl Folder {
    pub fn open(path: &Path) -> io::Result<Folder> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Folder(open(path, flags, Mode::empty())?.into()))
    }

    /// Opens what is at a path below the folder. It blocks.
    ///
    /// The way is gone name by name. None of them may be `..`, or a symbolic link, or begin with a dot: so
    /// there is no way out, whatever the path says, and whoever changes the folder meanwhile.
    pub fn find(&self, path: &[u8]) -> io::Result<Found> {
        let Some(path) = path.strip_prefix(b"/") else {
            return Ok(Found::Nothing);
        };
        let mut at = self.0.try_clone()?;
        let mut names = path.split(|byte| *byte == b'/').peekable();
        while let Some(name) = names.next() {
            let name = match name {
                b"" if names.peek().is_none() => b"index.html",
                b"" => return Ok(Found::Nothing),
                hidden if hidden[0] == b'.' || hidden.contains(&0) => return Ok(Found::Nothing),
                name => name,
            };
            // Not blocking: a FIFO without a writer would hold up the thread that opens it.
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            at = match openat(&at, name, flags, Mode::empty()) {
                Ok(next) => next.into(),
                Err(error @ (Errno::MFILE | Errno::NFILE | Errno::IO | Errno::NOMEM)) => {
                    return Err(error.into());
                }
                Err(_) => return Ok(Found::Nothing),
            };
            let what = at.metadata()?;
            match names.peek() {
                None if what.is_file() => {
                    return Ok(Found::File(Served {
                        length: what.len(),
                        tag: tag(&what),
                        kind: kind(name),
                        file: at,
                    }));
                }
                None if what.is_dir() => return Ok(Found::Folder),
                Some(_) if what.is_dir() => {}
                _ => return Ok(Found::Nothing),
            }
        }
        Ok(Found::Nothing)
    }
}

fn tag(what: &Metadata) -> String {
    format!("\"{:x}-{:x}-{:x}.{:x}\"", what.ino(), what.len(), what.mtime(), what.mtime_nsec())
}

/// What a browser is to take it for.
fn kind(name: &[u8]) -> &'static str {
    let ending = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    match ending.to_ascii_lowercase().as_slice() {
        b"html" | b"htm" => "text/html; charset=utf-8",
        b"txt" | b"md" | b"rs" | b"toml" => "text/plain; charset=utf-8",
        b"css" => "text/css; charset=utf-8",
        b"js" => "text/javascript; charset=utf-8",
        b"json" => "application/json",
        b"svg" => "image/svg+xml",
        b"png" => "image/png",
        b"jpg" | b"jpeg" => "image/jpeg",
        b"gif" => "image/gif",
        b"webp" => "image/webp",
        b"wasm" => "application/wasm",
        b"pdf" => "application/pdf",
        _ => "application/octet-stream",
    }
}
