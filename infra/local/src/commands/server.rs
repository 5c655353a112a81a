//! The server that `replay` and `reroute` call: a remote one, one that runs on a data folder, or one started for this
//! command.

use std::path::PathBuf;

use clap::Args;
use fairleader_api::Role;

use super::process::Failed;
use crate::api::Api;
use crate::data_folder::{self, DataFolderError};
use crate::machine::{Machine, Options, StartError, StarterKeys};

/// Options that name the server.
#[derive(Debug, Args)]
pub(super) struct Server {
    /// Folder of the data. A server that already runs on it is used.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address of another server's API.
    #[arg(long, value_name = "URL", requires = "key", value_parser = address)]
    url: Option<String>,
    /// Key for that server, with role marketing, sales or admin.
    #[arg(long, value_name = "KEY", requires = "url", env = "FAIRLEADER_KEY", hide_env_values = true)]
    key: Option<String>,
}

fn address(text: &str) -> Result<String, String> {
    match reqwest::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err("write a server's address, such as http://127.0.0.1:3000".to_owned()),
    }
}

/// Returns the API, and the machine if one was started because no server runs.
pub(super) async fn serving(asked: &Server) -> Result<(Api, Option<Machine>), Failed> {
    if let (Some(url), Some(key)) = (&asked.url, &asked.key) {
        return Ok((Api::new(url, key)?, None));
    }
    let data = asked.data.clone().unwrap_or_default();
    if !data.join("keys.json").exists() {
        return Err(format!(
            "`{}` is not a data folder: it has no file `keys.json`; use the folder of `fairleader up --data`, or name a server with --url and --key",
            data.display()
        )
        .into());
    }
    match Machine::start(Options { paused: true, ..Options::new(&data) }).await {
        Ok(machine) => Ok((Api::new(&machine.api_url, machine.keys.of(Role::Marketing))?, Some(machine))),
        Err(StartError::Data(held @ DataFolderError::InUse { .. })) => {
            let Some(url) = data_folder::address(&data) else { return Err(held.into()) };
            let keys: StarterKeys = serde_json::from_str(&std::fs::read_to_string(data.join("keys.json"))?)?;
            Ok((Api::new(&url, keys.of(Role::Marketing))?, None))
        }
        Err(cause) => Err(cause.into()),
    }
}
