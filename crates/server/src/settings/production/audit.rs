//! `[audit]`.

use crate::settings::error::SettingsError;
use crate::settings::files::Source;
use crate::settings::mode::{AuditSettings, AuditSink};
use crate::settings::refusal::{bad, with_hint};
use crate::settings::server_toml::Audit;

/// A shorter time is a mistake: most of what is looked for is found out the day after.
const SHORTEST_RETENTION: std::time::Duration = std::time::Duration::from_hours(24);

/// The database, unless something else is said.
pub(super) fn audit(source: &Source, audit: &Audit) -> Result<AuditSettings, SettingsError> {
    let usual = AuditSettings::default();
    let retention = audit.retention.map_or(usual.retention, |span| span.0);
    if retention < SHORTEST_RETENTION {
        let error = bad(source, "audit.retention", "is shorter than a day");
        return Err(with_hint(error, "write a time such as \"400d\""));
    }
    let words = audit.sink.as_deref();
    let mut sinks = Vec::new();
    for word in words.unwrap_or(&["db".to_owned()]) {
        let sink = match (word.as_str(), &audit.file) {
            ("db", _) => AuditSink::Database,
            ("stdout", _) => AuditSink::Stdout,
            ("file", Some(file)) => AuditSink::File(source.folder.join(file)),
            ("file", None) => {
                let error = bad(
                    source,
                    "audit.sink",
                    "holds `file`, and `audit.file` names none",
                );
                return Err(with_hint(
                    error,
                    "write `file = \"/var/log/hallpass/audit.jsonl\"`",
                ));
            }
            ("webhook", _) => {
                let problem = "holds `webhook`, which this version does not have yet";
                let hint = "write \"file\", and send its lines with a log shipper";
                return Err(with_hint(bad(source, "audit.sink", problem), hint));
            }
            (other, _) => {
                let problem = format!("holds `{other}`, which is no sink");
                let hint = "write \"db\", \"stdout\" or \"file\"";
                return Err(with_hint(bad(source, "audit.sink", &problem), hint));
            }
        };
        if sinks.contains(&sink) {
            return Err(bad(source, "audit.sink", &format!("holds `{word}` twice")));
        }
        sinks.push(sink);
    }
    if audit.file.is_some() && !sinks.iter().any(|sink| matches!(sink, AuditSink::File(_))) {
        let error = bad(
            source,
            "audit.file",
            "names a file, and `audit.sink` does not say `file`",
        );
        return Err(with_hint(error, "write `sink = [\"db\", \"file\"]`"));
    }
    Ok(AuditSettings { sinks, retention })
}
