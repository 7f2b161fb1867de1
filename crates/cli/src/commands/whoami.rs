//! `hallpass whoami`: who is signed in, with which server, for how long.

use hallpass_client::{Clock as _, ErrorKind, Session, SessionStatus, StoreInfo, clean};
use hallpass_protocol::time::SystemClock;
use serde_json::json;

use super::session_words::{nobody_json, to_json, token_words};
use super::userinfo;
use crate::args::WhoamiArgs;
use crate::commands::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::profile::Profile;
use crate::runtime;
use crate::static_token::{self, StaticToken};

/// Says who is signed in.
pub(crate) fn run(args: &WhoamiArgs, context: &Context) -> Result<(), Failure> {
    if args.all {
        super::every_profile::tell(context)?;
        if context.environment.text(static_token::TOKEN).is_some() {
            context.output.warn(static_token::STILL_SET);
        }
        return Ok(());
    }
    let profile = context.profile(&args.profile)?;
    if let Some(given) = profile.static_token()? {
        if args.userinfo {
            return Err(StaticToken::is_no_session(userinfo::NEEDS));
        }
        return tell_given(&given, &profile, context);
    }
    runtime::block_on(tell(args, &profile, context))
}

async fn tell(args: &WhoamiArgs, profile: &Profile, context: &Context) -> Result<(), Failure> {
    let output = context.output;
    let session = if profile.is_known() {
        profile.client()?.build()?.session().await?
    } else {
        None
    };
    let Some(mut session) = session else {
        let text = format!("nobody is signed in with profile `{}`", profile.name);
        let nobody = Failure::login_required(text).sign_in_with(&profile.login_command());
        if output.is_json() {
            Output::answer_json(&nobody_json(profile))?;
            return Err(nobody.told());
        }
        return Err(nobody);
    };
    let mut checked = "offline";
    if !args.status.offline && session.status() == SessionStatus::Refreshable {
        match session.access_token().await {
            Ok(_) => checked = "refresh",
            Err(error) if matches!(error.kind(), ErrorKind::Unavailable { .. }) => {
                output.warn(&error.to_string());
            }
            Err(error) => return Err(Failure::from(error).sign_in_with(&profile.login_command())),
        }
        session = session.reloaded().await?.unwrap_or(session);
    }
    let info = if args.userinfo {
        checked = "userinfo";
        let asked = session.user_info().await;
        Some(asked.map_err(|error| Failure::of_api(error, &profile.login_command()))?)
    } else {
        None
    };
    if output.is_json() {
        let mut object = to_json(&session, profile, checked);
        if let (Some(info), Some(members)) = (&info, object.as_object_mut()) {
            members.insert("userinfo".to_owned(), json!(info));
        }
        return Output::answer_json(&object);
    }
    let mut text = to_text(&session, profile, context);
    if let Some(info) = &info {
        text.push_str(&userinfo::lines(info, "    "));
    }
    Output::answer(&text)
}

/// A token of the environment goes before every session (so it is said, lest it win silently).
pub(super) fn tell_given(
    given: &StaticToken,
    profile: &Profile,
    context: &Context,
) -> Result<(), Failure> {
    if context.output.is_json() {
        return Output::answer_json(&json!({
            "schema": "hallpass.whoami/1",
            "signed_in": true,
            "state": "unknown",
            "profile": profile.name,
            "chosen_by": "HALLPASS_TOKEN",
            "subject": null,
            "issuer": profile.settings.issuer,
            "client_id": profile.settings.client_id,
            "checked": "offline",
        }));
    }
    let places = if given.places.is_empty() {
        format!("the resources of profile {}", profile.name)
    } else {
        given.places.join(" ")
    };
    let paint = context.output.paint;
    let line = |name: &str, value: &str| {
        format!(
            "  {} {}\n",
            paint.dim(&format!("{name:<9}")),
            clean::text(value)
        )
    };
    Output::answer(&format!(
        "{}\n{}{}",
        paint.bold("a token of the environment"),
        line("from", "HALLPASS_TOKEN, used instead of every session"),
        line("for", &places),
    ))
}

fn to_text(session: &Session, profile: &Profile, context: &Context) -> String {
    let account = session.account();
    let paint = context.output.paint;
    let now = SystemClock.now();
    let who = account
        .name
        .as_deref()
        .unwrap_or("signed in, without a name");
    let mut text = format!("{}\n", paint.bold(who));
    let mut line = |name: &str, value: &str| {
        let name = paint.dim(&format!("{name:<9}"));
        text.extend([format!("  {name} {}\n", clean::text(value))]);
    };
    if let Some(subject) = account.subject.as_deref().filter(|subject| *subject != who) {
        line("subject", subject);
    }
    line("issuer", &account.issuer);
    line("client", &account.client_id);
    line(
        "profile",
        &format!("{} ({})", profile.name, profile.chosen_by),
    );
    line("scopes", &session.scope().to_string());
    line("token", &token_words(session, now));
    if session.is_bound() {
        line("bound", "to a key of this machine (DPoP)");
    }
    line("session", session_words(session));
    if let Ok(store) = profile.store() {
        line("kept in", &store_words(&store.describe()));
    }
    text
}

/// `/home/ada/.local/state/hallpass/sessions (sealed, key in the keychain)`
fn store_words(store: &StoreInfo) -> String {
    let how = match (store.kind, store.key) {
        ("sealed", Some("keyring")) => "sealed, key in the keychain",
        ("sealed", _) => "sealed, key from the passphrase file",
        ("file" | "auto", _) => "only this user reads it",
        (other, _) => other,
    };
    format!("{} ({how})", store.place)
}

fn session_words(session: &Session) -> &'static str {
    match (session.status(), session.has_refresh_token()) {
        (SessionStatus::ReauthRequired, _) => "ended: sign in again",
        (_, true) => "renews itself",
        (_, false) => "ends with the token",
    }
}
