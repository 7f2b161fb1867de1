//! `[database]`.

use hallpass_protocol::Secret;

use crate::settings::error::SettingsError;
use crate::settings::files::Source;
use crate::settings::mode::DatabaseSettings;
use crate::settings::refusal::{bad, with_hint};
use crate::settings::server_toml::ServerToml;

/// Where the records are, unless told otherwise.
const DEFAULT_DATABASE: &str = "sqlite:///var/lib/hallpass/hallpass.db";

pub(super) fn database(
    source: &Source,
    file: &mut ServerToml,
    flag: Option<&str>,
) -> Result<DatabaseSettings, SettingsError> {
    let given = file.database.take().unwrap_or_default();
    let url = flag.map(str::to_owned).or(given.url);
    let url = url.unwrap_or_else(|| DEFAULT_DATABASE.to_owned());
    let known = ["sqlite:", "postgres://", "postgresql://"];
    if url == "sqlite::memory:" || !known.iter().any(|scheme| url.starts_with(scheme)) {
        let error = bad(
            source,
            "database.url",
            "is no database that outlives the process",
        );
        return Err(with_hint(
            error,
            "write `sqlite:///path/to/file` or `postgres://user@host/name`",
        ));
    }
    if given
        .max_connections
        .is_some_and(|count| !(1..=100).contains(&count))
    {
        return Err(bad(
            source,
            "database.max_connections",
            "is not from 1 to 100",
        ));
    }
    Ok(DatabaseSettings {
        url: Secret::new(url),
        max_connections: given.max_connections,
    })
}
