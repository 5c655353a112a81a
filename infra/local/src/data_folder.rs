//! The data folder of one installation. One process at a time uses it, and its format must match.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// The format that this program reads and writes.
///
/// It rises when the program can no longer read folders of earlier versions.
pub const FORMAT: u32 = 1;

/// The file with the API's address of the process that holds the folder.
const ADDRESS: &str = "ADDRESS";

/// A data folder, locked by this process until the value is dropped.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    /// Locked; the lock ends with the file.
    _lock: File,
}

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataFolderError {
    /// Another process uses it.
    #[error("the data folder `{}` is in use by {}; stop that program, or choose another folder with --data", path.display(), holder(*.process))]
    InUse {
        /// The folder.
        path: PathBuf,
        /// Id of the process that uses it, if known.
        process: Option<u32>,
    },
    /// It has a format that this program does not read.
    #[error("the data folder `{}` has format {found}, but this program reads format {FORMAT}; use the version of fairleader that created it, or choose another folder with --data", path.display())]
    OtherFormat {
        /// The folder.
        path: PathBuf,
        /// The format found.
        found: String,
    },
    /// It has other files in it.
    #[error("the folder `{}` is not empty and is not a data folder (it has no file `FORMAT`); choose an empty folder or a data folder with --data", path.display())]
    NotOurs {
        /// The folder.
        path: PathBuf,
    },
    /// It is a file.
    #[error("`{}` is a file, not a folder; choose another folder with --data", path.display())]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// The system reported an error.
    #[error("cannot {doing} `{}`: {source}", path.display())]
    Io {
        /// What failed: a verb phrase such as `read the folder`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

fn holder(process: Option<u32>) -> String {
    match process {
        Some(id) => format!("another fairleader (process {id})"),
        None => "another fairleader".to_owned(),
    }
}

impl DataFolder {
    /// Opens and locks the folder at `path`. Creates it, readable by its owner only, if it does not exist.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, DataFolderError> {
        let path = path.into();
        let io = |doing, path: &Path| {
            let path = path.to_owned();
            move |source| DataFolderError::Io { doing, path, source }
        };
        if path.exists() && !path.is_dir() {
            return Err(DataFolderError::NotAFolder { path });
        }
        if !path.exists() {
            create_private(&path).map_err(io("create the folder", &path))?;
        }
        let format = path.join("FORMAT");
        if !format.exists() {
            let others = std::fs::read_dir(&path).map_err(io("read the folder", &path))?;
            // A start that ended between creating the two files left only the lock.
            let others = others.filter(|entry| entry.as_ref().is_ok_and(|entry| entry.file_name() != "LOCK"));
            if others.count() > 0 {
                return Err(DataFolderError::NotOurs { path });
            }
        }
        let lock = lock(&path)?;
        match std::fs::read_to_string(&format) {
            Ok(text) if text.trim() == FORMAT.to_string() => {}
            Ok(text) => {
                let found = text.trim().chars().take(20).collect();
                return Err(DataFolderError::OtherFormat { path, found });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                write_private(&format, format!("{FORMAT}\n").as_bytes()).map_err(io("write", &format))?;
            }
            Err(source) => return Err(DataFolderError::Io { doing: "read", path: format, source }),
        }
        Ok(Self { path, _lock: lock })
    }

    /// Returns the folder's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path of the tables' file.
    pub fn tables(&self) -> PathBuf {
        self.path.join("tables.db")
    }

    /// Returns the path of the queues' file.
    pub fn queues(&self) -> PathBuf {
        self.path.join("queues.db")
    }

    /// Returns the path of the file with the keys made at the first start.
    pub fn keys(&self) -> PathBuf {
        self.path.join("keys.json")
    }

    /// Stores the API's address, for other programs of the same owner.
    pub fn write_address(&self, url: &str) -> Result<(), DataFolderError> {
        let path = self.path.join(ADDRESS);
        write_private(&path, format!("{url}\n").as_bytes()).map_err(|source| DataFolderError::Io {
            doing: "write",
            path,
            source,
        })
    }

    /// Returns the text of `keys.json`, if it exists.
    pub fn read_keys(&self) -> io::Result<Option<String>> {
        match std::fs::read_to_string(self.keys()) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes `keys.json` atomically, readable by its owner only.
    pub fn write_keys(&self, text: &str) -> io::Result<()> {
        write_private(&self.keys(), text.as_bytes())
    }
}

/// Returns the API's address of the process that holds the folder at `path`. It is valid only while the folder is held.
pub fn address(path: &Path) -> Option<String> {
    std::fs::read_to_string(path.join(ADDRESS)).ok().map(|url| url.trim().to_owned())
}

/// Locks the folder for this process.
fn lock(folder: &Path) -> Result<File, DataFolderError> {
    let path = folder.join("LOCK");
    let io = |doing| {
        let path = path.clone();
        move |source| DataFolderError::Io { doing, path, source }
    };
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    private(&mut options);
    let mut file = options.open(&path).map_err(io("open"))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            // The process id only improves the message, so a failure to read it is ignored.
            let process = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
            return Err(DataFolderError::InUse { path: folder.to_owned(), process });
        }
        Err(TryLockError::Error(source)) => return Err(io("lock")(source)),
    }
    let written = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .and_then(|()| file.flush());
    written.map_err(io("write"))?;
    Ok(file)
}

fn create_private(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn private(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _: &mut OpenOptions = options;
}

/// Writes a file, readable by its owner only, through a temporary file, so that it is never seen half written.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    private(&mut options);
    let mut file = options.open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn creates_a_folder_that_only_its_owner_can_read() {
        let parent = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(parent.path().join("a/b")).unwrap();
        folder.write_keys("{}").unwrap();
        assert_eq!(folder.read_keys().unwrap().as_deref(), Some("{}"));
        assert_eq!(std::fs::read_to_string(folder.path().join("FORMAT")).unwrap(), "1\n");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(folder.path()), 0o700);
            assert_eq!(mode(&folder.keys()), 0o600);
            assert_eq!(mode(&folder.path().join("LOCK")), 0o600);
        }
    }

    #[test]
    fn only_one_process_can_use_a_folder() {
        let parent = tempfile::tempdir().unwrap();
        let first = DataFolder::open(parent.path().join("data")).unwrap();
        let refusal = DataFolder::open(first.path()).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            format!(
                "the data folder `{}` is in use by another fairleader (process {}); stop that program, or choose another \
                 folder with --data",
                first.path().display(),
                std::process::id()
            )
        );
        let path = first.path().to_owned();
        drop(first);
        DataFolder::open(path).unwrap();
    }

    #[test]
    fn leaves_a_folder_of_another_format_alone() {
        let parent = tempfile::tempdir().unwrap();
        std::fs::write(parent.path().join("FORMAT"), "7\n").unwrap();
        let refusal = DataFolder::open(parent.path()).unwrap_err().to_string();
        assert!(refusal.contains("has format 7, but this program reads format 1; use the version"), "{refusal}");
        assert_eq!(std::fs::read_to_string(parent.path().join("FORMAT")).unwrap(), "7\n");
    }

    #[test]
    fn leaves_a_folder_with_other_files_alone() {
        let parent = tempfile::tempdir().unwrap();
        std::fs::write(parent.path().join("thesis.tex"), "").unwrap();
        let refusal = DataFolder::open(parent.path()).unwrap_err().to_string();
        assert!(refusal.contains("is not empty and is not a data folder"), "{refusal}");
        assert!(!parent.path().join("LOCK").exists());
        let refusal = DataFolder::open(parent.path().join("thesis.tex")).unwrap_err().to_string();
        assert!(refusal.contains("is a file, not a folder"), "{refusal}");
    }
}
