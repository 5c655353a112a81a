//! The data folder of one installation. One process at a time uses it, its format must match, and only its owner can
//! read it.
//!
//! The first start has many steps, and may be killed between any two of them. The file `STARTING` exists until its last
//! step is done. Before that nothing is accepted from callers, so the next start removes what is there and begins again.
//! In a folder that was used before, a missing or damaged file is an error: it is never taken for empty.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// The format that this program reads and writes.
///
/// It rises when the program can no longer read folders of earlier versions.
pub const FORMAT: u32 = 1;

/// The file with the API's address of the process that holds the folder.
const ADDRESS: &str = "ADDRESS";
/// The file that exists until the first start is done.
const STARTING: &str = "STARTING";
/// The file with the secret of the AWS services.
const AWS_SECRET: &str = "aws-secret";
/// What a start that ended before the format was written may have left.
const EARLIEST: [&str; 2] = ["LOCK", "FORMAT.new"];
/// What every SQLite file begins with.
const SQLITE: &[u8; 16] = b"SQLite format 3\0";

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
    /// It was used before, and a file is missing.
    #[error("the data folder `{}` was used before, but its file `{file}` is missing; restore the whole folder from a backup, or choose an empty folder with --data", path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
        /// Name of the file.
        file: String,
    },
    /// A file was cut or overwritten.
    #[error("`{}` is damaged: it is not an SQLite file; restore the whole data folder from a backup, or choose an empty folder with --data", path.display())]
    Damaged {
        /// The file.
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
        if path.exists() && !path.is_dir() {
            return Err(DataFolderError::NotAFolder { path });
        }
        if !path.exists() {
            create_private(&path).map_err(io("create the folder", &path))?;
        }
        let format = path.join("FORMAT");
        if !format.exists() {
            let others = std::fs::read_dir(&path).map_err(io("read the folder", &path))?;
            let early = |name: &std::ffi::OsStr| EARLIEST.iter().any(|early| name == *early);
            let others = others.filter(|entry| entry.as_ref().is_ok_and(|entry| !early(&entry.file_name())));
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
        keep_private(&path)?;
        let folder = Self { path, _lock: lock };
        folder.prepare()?;
        Ok(folder)
    }

    /// Begins the first start, or checks the files of an earlier one.
    fn prepare(&self) -> Result<(), DataFolderError> {
        let starting = self.path.join(STARTING);
        let databases = [self.tables(), self.queues()];
        let was_used = self.keys().exists() || self.path.join(ADDRESS).exists();
        let is_new = !databases.iter().any(|database| database.exists());
        if !was_used && (is_new || starting.exists()) {
            write_private(&starting, b"").map_err(io("write", &starting))?;
            for database in &databases {
                for suffix in ["", "-wal", "-shm", "-journal"] {
                    let mut left = database.as_os_str().to_owned();
                    left.push(suffix);
                    remove(Path::new(&left))?;
                }
            }
        } else {
            for database in &databases {
                self.check(database, was_used)?;
            }
            remove(&starting)?;
        }
        for database in &databases {
            // SQLite gives its other files the permissions of this one.
            let mut options = OpenOptions::new();
            options.append(true).create(true);
            private(&mut options);
            options.open(database).map_err(io("create", database))?;
        }
        Ok(())
    }

    /// Checks that a database of an earlier start exists and can be one.
    fn check(&self, database: &Path, was_used: bool) -> Result<(), DataFolderError> {
        let mut begins = Vec::new();
        let read = File::open(database).and_then(|file| file.take(16).read_to_end(&mut begins));
        match read {
            Ok(_) if begins == SQLITE || (begins.is_empty() && !was_used) => Ok(()),
            Ok(_) => Err(DataFolderError::Damaged { path: database.to_owned() }),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound && !was_used => Ok(()),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                let file = database.file_name().unwrap_or_default().display().to_string();
                Err(DataFolderError::Missing { path: self.path.clone(), file })
            }
            Err(source) => Err(DataFolderError::Io { doing: "read", path: database.to_owned(), source }),
        }
    }

    /// Ends the first start: from now on the folder is never emptied.
    pub fn end_first_start(&self) -> Result<(), DataFolderError> {
        remove(&self.path.join(STARTING))
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
        write_private(&path, format!("{url}\n").as_bytes()).map_err(io("write", &path))
    }

    /// Returns the text of `keys.json`, if it exists.
    pub fn read_keys(&self) -> io::Result<Option<String>> {
        read_if_there(&self.keys())
    }

    /// Returns the path of the file with the secret of the AWS services.
    pub fn aws_secret(&self) -> PathBuf {
        self.path.join(AWS_SECRET)
    }

    /// Returns the secret of the AWS services, if it exists.
    pub fn read_aws_secret(&self) -> io::Result<Option<String>> {
        Ok(read_if_there(&self.aws_secret())?.map(|text| text.trim().to_owned()))
    }

    /// Stores the secret of the AWS services, readable by its owner only.
    pub fn write_aws_secret(&self, secret: &str) -> io::Result<()> {
        write_private(&self.aws_secret(), format!("{secret}\n").as_bytes())
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

/// Returns a function that adds what failed to the system's error.
fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DataFolderError {
    let path = path.to_owned();
    move |source| DataFolderError::Io { doing, path, source }
}

fn read_if_there(path: &Path) -> io::Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn remove(path: &Path) -> Result<(), DataFolderError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(io("remove", path)(source)),
        _ => Ok(()),
    }
}

/// Restricts the folder and its files to their owner, whatever their permissions were before.
#[cfg(unix)]
fn keep_private(folder: &Path) -> Result<(), DataFolderError> {
    use std::os::unix::fs::PermissionsExt;

    let restrict = |path: &Path, mode| {
        let open = std::fs::metadata(path)?.permissions().mode() & 0o077 != 0;
        if open { std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)) } else { Ok(()) }
    };
    let doing = "restrict the permissions of";
    restrict(folder, 0o700).map_err(io(doing, folder))?;
    for entry in std::fs::read_dir(folder).map_err(io("read the folder", folder))? {
        let entry = entry.map_err(io("read the folder", folder))?;
        // Not what a link leads to: it belongs to another folder.
        if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            restrict(&entry.path(), 0o600).map_err(io(doing, &entry.path()))?;
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn keep_private(_: &Path) -> Result<(), DataFolderError> {
    Ok(())
}

/// Locks the folder for this process.
fn lock(folder: &Path) -> Result<File, DataFolderError> {
    let path = folder.join("LOCK");
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    private(&mut options);
    let mut file = options.open(&path).map_err(io("open", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            // The process id only improves the message, so a failure to read it is ignored.
            let process = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
            return Err(DataFolderError::InUse { path: folder.to_owned(), process });
        }
        Err(TryLockError::Error(source)) => return Err(io("lock", &path)(source)),
    }
    let written = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .and_then(|()| file.flush());
    written.map_err(io("write", &path))?;
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

    #[cfg(unix)]
    #[test]
    fn restricts_an_older_folder_to_its_owner() {
        use std::os::unix::fs::PermissionsExt;

        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        drop(used(&path));
        let set = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        for file in ["tables.db-wal", "keys.json.new"] {
            std::fs::write(path.join(file), "").unwrap();
        }
        for entry in std::fs::read_dir(&path).unwrap() {
            set(&entry.unwrap().path(), 0o644);
        }
        set(&path, 0o755);
        drop(DataFolder::open(&path).unwrap());
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o700);
        let files: Vec<_> = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(files.len() >= 6, "{files:?}");
        for file in files {
            assert_eq!(mode(&file), 0o600, "{}", file.display());
        }
    }

    /// Does what a first start does.
    fn used(path: &Path) -> DataFolder {
        let folder = DataFolder::open(path).unwrap();
        for database in [folder.tables(), folder.queues()] {
            std::fs::write(database, SQLITE).unwrap();
        }
        folder.write_keys("{}").unwrap();
        folder.end_first_start().unwrap();
        folder
    }

    #[test]
    fn begins_again_after_a_first_start_that_was_killed() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        // Killed before the format was there.
        std::fs::create_dir(&path).unwrap();
        for file in EARLIEST {
            std::fs::write(path.join(file), "").unwrap();
        }
        let folder = DataFolder::open(&path).unwrap();
        // Killed while the tables were created.
        std::fs::write(folder.tables(), "half of a table").unwrap();
        drop(folder);
        let folder = DataFolder::open(&path).unwrap();
        assert_eq!(std::fs::read(folder.tables()).unwrap(), b"");
        // Killed after its last step, and before that was noted.
        std::fs::write(folder.tables(), SQLITE).unwrap();
        std::fs::write(folder.queues(), SQLITE).unwrap();
        folder.write_keys("{}").unwrap();
        drop(folder);
        let folder = DataFolder::open(&path).unwrap();
        assert_eq!(std::fs::read(folder.tables()).unwrap(), SQLITE);
        assert!(!path.join(STARTING).exists());
    }

    #[test]
    fn names_a_missing_or_damaged_file_and_what_to_do() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        drop(used(&path));
        let refusal = || DataFolder::open(&path).unwrap_err().to_string().replace(&path.display().to_string(), "DATA");
        for file in ["tables.db", "queues.db"] {
            let kept = std::fs::read(path.join(file)).unwrap();
            std::fs::remove_file(path.join(file)).unwrap();
            assert_eq!(
                refusal(),
                format!(
                    "the data folder `DATA` was used before, but its file `{file}` is missing; restore the whole folder \
                     from a backup, or choose an empty folder with --data"
                )
            );
            assert!(!path.join(file).exists());
            for damaged in ["", "not a database"] {
                std::fs::write(path.join(file), damaged).unwrap();
                assert_eq!(
                    refusal(),
                    format!(
                        "`DATA/{file}` is damaged: it is not an SQLite file; restore the whole data folder from a backup, \
                         or choose an empty folder with --data"
                    )
                );
            }
            std::fs::write(path.join(file), kept).unwrap();
        }
        DataFolder::open(&path).unwrap();
    }
}
