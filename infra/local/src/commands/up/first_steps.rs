//! First steps with an empty server: commands to copy, from the first rep to the first lead's owner.

use std::path::Path;

use serde_json::Value;

use crate::api::Api;

/// The commands, as in the README, for a server at [`URL`] with its keys in [`KEYS`].
const SCRIPT: &str = include_str!("first_steps.sh");
const URL: &str = "http://127.0.0.1:3000";
const KEYS: &str = "data/keys.json";

/// Returns whether no rulebook is active, so that no lead can be routed.
pub(super) async fn are_wanted(viewer: &Api) -> bool {
    let rulebooks = viewer.get("/v1/rulebooks").await;
    rulebooks.is_ok_and(|rulebooks| rulebooks.get("active").is_some_and(Value::is_null))
}

/// Returns the commands for a server at `url` whose keys are in the file `keys`. They contain no key, so no key can
/// reach a log.
pub(super) fn commands(url: &str, keys: &Path) -> String {
    let keys = format!("'{}'", keys.display().to_string().replace('\'', r"'\''"));
    SCRIPT.replace(URL, url).replace(KEYS, &keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_has_the_same_commands() {
        let readme = include_str!("../../../../../README.md");
        assert!(readme.contains(&format!("```sh\n{SCRIPT}```\n")));
        assert_eq!((SCRIPT.matches(URL).count(), SCRIPT.matches(KEYS).count()), (1, 1));
    }

    #[test]
    fn commands_are_for_this_server_and_any_folder() {
        let commands = commands("http://127.0.0.1:4711", Path::new("/srv/our data's/keys.json"));
        assert!(commands.contains("api=http://127.0.0.1:4711\n"));
        assert!(commands.contains(r"'/srv/our data'\''s/keys.json' | head"), "{commands}");
    }
}
