//! `--all`: every profile that is known, and the sessions that belong to none any more.

use std::collections::BTreeSet;
use std::sync::Arc;

use hallpass_client::{Clock as _, SessionKey, TokenStore, clean};
use hallpass_protocol::time::SystemClock;
use serde_json::{Value, json};

use super::session_words;
use crate::commands::Context;
use crate::config::ProfileFile;
use crate::failure::Failure;
use crate::files::Places;
use crate::output::Output;
use crate::profile::Profile;

/// What is there.
pub(super) struct Found {
    /// Each profile by its name, or why it cannot be used.
    pub(super) profiles: Vec<(String, Result<Profile, Failure>)>,
    /// Sessions of no profile, and where they are kept.
    pub(super) others: Vec<(SessionKey, Arc<dyn TokenStore>)>,
}

/// The names of every profile, sorted.
pub(super) fn names(context: &Context) -> Result<BTreeSet<String>, Failure> {
    let places = Places::find(context.global.config.as_deref(), &context.environment)?;
    let config = ProfileFile::read_config(&places.config)?;
    let remembered = ProfileFile::read_remembered(&places)?;
    let names = config
        .profile
        .into_keys()
        .chain(remembered.profile.into_keys());
    Ok(names.collect())
}

/// Looks for all of them.
pub(super) fn find(context: &Context) -> Result<Found, Failure> {
    if context.global.profile_flag.is_some() {
        return Err(Failure::usage("--all and a profile exclude each other").hint_to("give one"));
    }
    let mut profiles = Vec::new();
    let (mut keys, mut others) = (BTreeSet::new(), Vec::new());
    for name in names(context)? {
        let profile = context.quiet_profile(&name);
        keys.extend(profile.as_ref().ok().and_then(Profile::session_key));
        profiles.push((name, profile));
    }
    // Where a command without a profile keeps its sessions.
    let store = context
        .quiet_profile(crate::config::DEFAULT_NAME)?
        .store()?;
    for key in store.list()? {
        if !keys.contains(&key) && !key.is_registration() {
            others.push((key, Arc::clone(&store)));
        }
    }
    Ok(Found { profiles, others })
}

/// `whoami --all`: as they stand on this machine, without any network.
pub(super) fn tell(context: &Context) -> Result<(), Failure> {
    let Found { profiles, others } = find(context)?;
    let mut rows = Vec::new();
    for (name, profile) in &profiles {
        rows.push(match profile.as_ref() {
            Ok(profile) => row(profile)?,
            Err(failure) => Row {
                json: json!({
                    "schema": "hallpass.whoami/1",
                    "signed_in": false,
                    "state": "unknown",
                    "profile": name,
                    "problem": failure.message(),
                }),
                words: failure.message().to_owned(),
                who: String::new(),
                is_in: false,
            },
        });
    }
    if context.output.is_json() {
        let others: Vec<_> = others.iter().map(|(key, _)| json!(key)).collect();
        let list: Vec<_> = rows.iter().map(|row| &row.json).collect();
        Output::answer_json(&json!({
            "schema": "hallpass.whoami-list/1",
            "profiles": list,
            "other_sessions": others,
        }))?;
    } else {
        Output::answer(&to_text(&profiles, &rows, &others, context))?;
    }
    if rows.iter().any(|row| row.is_in) {
        return Ok(());
    }
    Err(Failure::login_required("nobody is signed in with any profile").told())
}

struct Row {
    json: Value,
    who: String,
    words: String,
    is_in: bool,
}

fn row(profile: &Profile) -> Result<Row, Failure> {
    let session = if profile.is_known() {
        profile
            .client_without_secret()
            .and_then(|client| Ok(client.build()?.find_session()?))?
    } else {
        None
    };
    Ok(match session {
        Some(session) => Row {
            json: session_words::to_json(&session, profile, "offline"),
            who: session
                .account()
                .name
                .clone()
                .unwrap_or_else(|| "somebody".to_owned()),
            words: format!(
                "token {}",
                session_words::token_words(&session, SystemClock.now())
            ),
            is_in: session.status() != hallpass_client::SessionStatus::ReauthRequired,
        },
        None => Row {
            json: session_words::nobody_json(profile),
            who: "-".to_owned(),
            words: if profile.has_secret() {
                "signs in as itself"
            } else {
                "not signed in"
            }
            .to_owned(),
            is_in: false,
        },
    })
}

fn to_text(
    profiles: &[(String, Result<Profile, Failure>)],
    rows: &[Row],
    others: &[(SessionKey, Arc<dyn TokenStore>)],
    context: &Context,
) -> String {
    let paint = context.output.paint;
    let wide = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or_default();
    let name_width = wide(&mut profiles.iter().map(|(name, _)| name.chars().count()));
    let who_width = wide(&mut rows.iter().map(|row| row.who.chars().count()));
    let mut text = String::new();
    for ((name, profile), row) in profiles.iter().zip(rows) {
        let issuer = match profile {
            Ok(profile) => profile.settings.issuer.as_deref().unwrap_or("no issuer"),
            Err(_) => "",
        };
        text.extend([format!(
            "{}  {:<who_width$}  {}  {}\n",
            paint.bold(&format!("{name:<name_width$}")),
            row.who,
            clean::text(issuer),
            paint.dim(&row.words),
        )]);
    }
    for (key, _) in others {
        let line = format!(
            "{} at {}: a session of no profile\n",
            key.client_id, key.issuer
        );
        text.extend([clean::text(line.trim_end()), "\n".to_owned()]);
    }
    if text.is_empty() {
        text.push_str("no profiles\n");
    }
    text
}
