//! What an audit file says has ended: a restored database has forgotten it.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use hallpass_issuer::audit::Event;
use hallpass_protocol::{AuthorizationId, ClientId, UserId};
use hallpass_store::Forgotten;
use serde::Deserialize;

use crate::audit::read_time;
use crate::server::StartError;

/// The members of a record that count here.
#[derive(Deserialize)]
struct Line {
    at: String,
    event: String,
    sid: Option<String>,
    subject: Option<String>,
    client: Option<String>,
}

/// Reads what a sink wrote, or `hallpass admin audit search -o json`. Lines that are no records are passed
/// over: an output has others between them.
pub(super) fn read(path: &Path) -> Result<Vec<Forgotten>, StartError> {
    let cannot = |error: std::io::Error| {
        let text = format!("cannot read the audit file `{}`: {error}", path.display());
        StartError::Fault(text)
    };
    let (mut ended, mut records) = (Vec::new(), 0_u64);
    for line in BufReader::new(File::open(path).map_err(cannot)?).lines() {
        let line = line.map_err(cannot)?;
        let Ok(line) = serde_json::from_str::<Line>(&line) else {
            continue;
        };
        records += 1;
        ended.extend(line.ended());
    }
    if records == 0 {
        return Err(StartError::Fault(format!(
            "`{}` holds no audit events: give the file of the sink, or what `hallpass admin audit \
             search --limit 1000000 -o json` printed",
            path.display()
        )));
    }
    Ok(ended)
}

impl Line {
    /// What ended. An event that names both a sign-in and a person is about the sign-in.
    fn ended(&self) -> Option<Forgotten> {
        let at = read_time(&self.at)?;
        let is = |events: &[Event]| events.iter().any(|event| event.as_str() == self.event);
        let one = || {
            let sid = AuthorizationId::parse(self.sid.as_deref()?)?;
            Some(Forgotten::SignIn(sid))
        };
        let user = || Some(UserId::new(self.subject.as_deref()?));
        if is(&[
            Event::SessionRevoked,
            Event::RefreshReuse,
            Event::DeviceReplay,
        ]) {
            one().or_else(|| Some(Forgotten::OfUser(user()?, at)))
        } else if is(&[
            Event::UserLocked,
            Event::UserDeleted,
            Event::PasswordReset,
            Event::PasswordChanged,
        ]) {
            Some(Forgotten::OfUser(user()?, at))
        } else if is(&[Event::Logout]) {
            Some(Forgotten::InBrowsers(user()?, at))
        } else if is(&[Event::ClientDeleted]) {
            let client = ClientId::new(self.client.as_deref()?);
            Some(Forgotten::OfClient(client, at))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use hallpass_protocol::Timestamp;

    use super::*;

    fn read_text(text: &str) -> Result<Vec<Forgotten>, StartError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read(file.path())
    }

    #[test]
    fn s_269_what_ended_is_read_between_other_lines() {
        let sid = "0".repeat(31) + "1";
        let text = format!(
            "Ready: http://localhost:8443\n\
             {{\"at\":\"2026-11-21T10:00:00Z\",\"event\":\"login.success\",\"subject\":\"ada\"}}\n\
             {{\"at\":\"2026-11-21T10:00:01Z\",\"event\":\"session.revoked\",\"subject\":\"ada\",\"sid\":\"{sid}\"}}\n\
             {{\"anchor\":{{}}}}\n\
             {{\"at\":\"2026-11-21T10:00:02Z\",\"event\":\"session.revoked\",\"subject\":\"ada\"}}\n\
             {{\"at\":\"2026-11-21T10:00:03Z\",\"event\":\"logout\",\"subject\":\"bob\"}}\n\
             {{\"at\":\"2026-11-21T10:00:04Z\",\"event\":\"logout\"}}\n\
             {{\"at\":\"2026-11-21T10:00:05Z\",\"event\":\"client.deleted\",\"client\":\"cli\"}}\n"
        );
        let begin = Timestamp::from_unix_seconds(1_795_255_200);
        let at = |seconds| begin + std::time::Duration::from_secs(seconds);
        assert_eq!(
            read_text(&text).unwrap(),
            [
                Forgotten::SignIn(AuthorizationId::parse(&sid).unwrap()),
                Forgotten::OfUser(UserId::new("ada"), at(2)),
                Forgotten::InBrowsers(UserId::new("bob"), at(3)),
                Forgotten::OfClient(ClientId::new("cli"), at(5)),
            ]
        );
    }

    #[test]
    fn a_file_without_records_is_refused() {
        let error = read_text("some log\n{\"level\":\"INFO\"}\n").unwrap_err();
        assert!(
            error.to_string().contains("holds no audit events"),
            "{error}"
        );
        let absent = read(Path::new("/no/such/file")).unwrap_err();
        assert!(absent.to_string().contains("/no/such/file"), "{absent}");
    }
}
